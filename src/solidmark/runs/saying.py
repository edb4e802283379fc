"""What is said to people: text from files and models that no terminal, page or sheet obeys.

A file name, a caption or an id may hold codes that move the cursor, rename the window or turn the
order of what follows. Whoever prints uses `say`, and whoever writes for people uses `tame`.
"""

import re
import signal
import sys
import threading
import traceback
import warnings
from types import TracebackType

AGAIN = 0.1
"""So many seconds after an interrupt was lost, it comes again."""
_TURNING = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""The bidirectional controls: "photo_gpj.exe" is shown as another name."""
_CODES = "\x00-\x08\x0b-\x1f\x7f-\x9f"
"""The controls of C0 (but for tab and line feed), DEL, and those of C1."""
_ENDS = "\t\n\u2028\u2029"
_HALVES = "\ud800-\udfff"
"""Bytes of a path that are no text; no encoding can write them."""
_SEEN = re.compile(f"[{_CODES}{_TURNING}]")
_SAID = re.compile(f"[{_ENDS}{_CODES}{_TURNING}{_HALVES}]")


def tame(text: str, *, line: bool = False) -> str:
    """Text of which every control is shown instead of obeyed, as JSON writes it.

    Arguments:
        text: Anything. JSON stays the same JSON.
        line: Whether line feeds and tabs are controls too, and halves of surrogate pairs.

    Example:
        >>> print(tame("a\\x1b[31m\\u202eb"))
        a\\u001b[31m\\u202eb
    """
    return (_SAID if line else _SEEN).sub(_shown, text)


def say(line: str, *, error: bool = False) -> None:
    """Prints one line, on standard output or on standard error.

    Arguments:
        line: The line; a line feed in it is shown, and not obeyed.
        error: Whether it goes to standard error.
    """
    stream = sys.stderr if error else sys.stdout
    text = tame(line, line=True)
    coding = getattr(stream, "encoding", None) or "utf-8"
    # A terminal may know few letters.
    stream.write(text.encode(coding, "backslashreplace").decode(coding) + "\n")
    stream.flush()


def cell(text: str) -> str:
    """Text for a cell of CSV: no control is obeyed, and no spreadsheet runs it.

    Example:
        >>> cell("=1+1"), cell("scan-7.png")
        ("'=1+1", 'scan-7.png')
    """
    formula = text.startswith(("\t", "\r")) or text.lstrip().startswith(tuple("=+-@＝＋－＠"))
    return f"'{tame(text)}" if formula else tame(text)


def guard_terminal() -> None:
    """What Python itself prints, traces and warnings, goes through `tame` from now on.

    No interrupt is lost, and none is a trace.
    """
    formatted = warnings.formatwarning

    def tell(
        message: Warning | str, category: type[Warning], file: str, number: int, line: str | None
    ) -> str:
        return tame(formatted(message, category, file, number, line))

    def trace(kind: type[BaseException], error: BaseException, where: TracebackType | None) -> None:
        sys.stderr.write(tame("".join(traceback.format_exception(kind, error, where))))

    def unraisable(told: "sys.UnraisableHookArgs") -> None:
        if isinstance(told.exc_value, KeyboardInterrupt):
            # It fell into something that cannot be interrupted, such as a finalizer: once more,
            # when that is over.
            main = threading.main_thread().ident
            again = threading.Timer(AGAIN, signal.pthread_kill, (main, signal.SIGINT))
            again.daemon = True
            again.start()
        else:
            said = f"{told.err_msg or 'Exception ignored in'}: {told.object!r}\n"
            lines = traceback.format_exception(told.exc_type, told.exc_value, told.exc_traceback)
            sys.stderr.write(tame(said + "".join(lines)))

    sys.excepthook = trace
    sys.unraisablehook = unraisable
    warnings.formatwarning = tell  # type: ignore[assignment]


def _shown(found: re.Match[str]) -> str:
    return {"\t": "\\t", "\n": "\\n"}.get(found[0], f"\\u{ord(found[0]):04x}")
