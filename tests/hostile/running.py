"""Runs a case in a child of its own: bounded, watched, and without a network.

The child is forked from a process that has imported what is slow. What is counted are seconds of
the processor, so that a busy machine makes no hang; a wait without end is found by the clock.
"""

import os
import resource
import shutil
import signal
import sys
import time
import traceback
import unicodedata
from collections.abc import Iterator
from pathlib import Path

from .case import REFUSED, SET_APART, TAKEN, Case, End
from .objects import PYTHON, call

SECONDS, CLOCK = 20, 240
"""Of the processor, and of the clock: the second finds who waits without end, also on a machine
that has others to serve."""

MEGABYTES = 1500
"""More is too much: the largest picture that is read at all needs a gigabyte."""

SPACE = 8 * 2**30
"""What a child may reserve beyond what its parent has."""

CANARY, ALARM = "canary", "alarm"
"""What planted code writes in the folder of the case; where the child writes what it was asked."""

SECRETS = ("ids.secret", "ids.secret.csv", "OUT.secret", "OUT.secret.csv", "nowhere")
"""What `--hash-ids` makes and adds to, where it is told."""

WITHIN = ("report", "score")
"""They write into the folder that they are given."""

_PROCESSES = ("os.system", "os.exec", "os.posix_spawn", "subprocess.Popen", "pty.spawn")
_CONNECTING = ("socket.connect", "socket.getaddrinfo", "socket.bind", "socket.sendto")


def run(case: Case, world: Path, here: Path) -> End:
    """Runs a case.

    Arguments:
        case: The case.
        world: A folder with what commands need beside: photos, a marked folder, an index, a model.
        here: A new folder for it.
    """
    shutil.copytree(world, here, symlinks=True)
    case.make(here)
    (here / "said").mkdir()
    for name in ("tmp", "home"):
        (here / "said" / name).mkdir()
    before = dict(_seen(case, here))
    sys.stdout.flush()
    resident = _resident()
    child = os.fork()
    if child == 0:
        _child(case, here)
    status, usage = _wait(child)
    seconds = usage.ru_utime + usage.ru_stime
    grown = max(0.0, usage.ru_maxrss / 1024 - resident)
    said = "".join(
        (here / "said" / name).read_bytes().decode("utf-8", "replace") for name in ("out", "err")
    )
    end = _end(case, here, status, said, grown, before)
    lines = [line for line in said.splitlines() if line.strip()] or [""]
    return End(case, end, lines[-1][:400], seconds, grown)


def _child(case: Case, here: Path) -> None:
    """Never returns."""
    code = 99
    try:
        os.chdir(here)
        for number, name in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"said/{name}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        sys.stderr = open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
        os.environ |= {"HOME": str(here / "said/home"), "TMPDIR": str(here / "said/tmp")}
        used = int(Path("/proc/self/statm").read_text().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + SPACE, used + SPACE))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _watch(here)
        from solidmark.cli import main

        code = call(*case.words[1:]) if case.words[0] == PYTHON else main(list(case.words))
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else 98
    except BaseException:
        traceback.print_exc()
        code = 97
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _watch(here: Path) -> None:
    """Writes down who starts a program or asks the network, and refuses it."""
    alarm = os.open(here / "said" / ALARM, os.O_WRONLY | os.O_CREAT)

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        if event in _PROCESSES or event in _CONNECTING:
            os.write(alarm, f"{event} {arguments!r:.200}\n".encode("utf-8", "replace"))
            raise OSError(f"{event} is not allowed here")

    sys.addaudithook(hook)


def _wait(child: int) -> tuple[int, resource.struct_rusage]:
    limit = time.monotonic() + CLOCK
    while time.monotonic() < limit:
        pid, status, usage = os.wait4(child, os.WNOHANG)
        if pid:
            return status, usage
        time.sleep(0.01)
    os.kill(child, signal.SIGKILL)
    _, status, usage = os.wait4(child, 0)
    return status, usage


def _end(
    case: Case, here: Path, status: int, said: str, grown: float, before: dict[str, object]
) -> str:
    alarm = (here / "said" / ALARM).read_text(errors="replace")
    if (here / CANARY).exists() or any(event in alarm for event in _PROCESSES):
        return "CODE RAN"
    if alarm:
        return "SOCKET"
    if os.WIFSIGNALED(status):
        return "HANG" if os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGKILL) else "TRACEBACK"
    code = os.WEXITSTATUS(status)
    if code in (1, 97, 98, 99):
        return "TRACEBACK"
    if dict(_seen(case, here)) != before:
        return "WROTE OUTSIDE"
    if grown > MEGABYTES:
        return "MEMORY"
    if any(unicodedata.category(letter) == "Cc" and letter != "\n" for letter in said):
        return "UNTAMED"
    error = (here / "said" / "err").read_text(errors="replace")
    if code == 2:
        lines = [line for line in error.splitlines() if line.startswith("Error: ")]
        return REFUSED if len(lines) == 1 and error.rstrip().endswith(lines[0]) else "OTHER"
    if code not in (0, 3):
        return "OTHER"
    quarantine = here / "OUT" / "quarantine.jsonl"
    apart = quarantine.is_file() and quarantine.stat().st_size > 0
    told = any(words in said for words in ("UNREAD", "cannot be read", "Not used", "not used:"))
    return SET_APART if apart or told else TAKEN


def _seen(case: Case, here: Path) -> Iterator[tuple[str, object]]:
    """What lies around: in the folder of the case but for its OUT, and beside that folder."""
    own = {case.words[1] if case.words[0] in WITHIN else "OUT", "said", CANARY}
    own |= set(SECRETS if "hash" in "".join(case.words) else ())
    for root in (here, here.parent):
        for path in root.iterdir():
            if path.name not in own and path != here:
                yield from _below(path, deep=root == here)


def _below(path: Path, deep: bool) -> Iterator[tuple[str, object]]:
    found = path.lstat()
    folder = path.is_dir() and not path.is_symlink()
    yield os.fsdecode(path), None if folder else (found.st_size, found.st_mtime_ns)
    if deep and folder:
        for child in path.iterdir():
            yield from _below(child, deep)


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
