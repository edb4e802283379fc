"""What was typed wrong, or what the system refused, as one line.

typer brings a click of its own in some versions and takes the installed one in others, so its
errors are told apart by what they carry.
"""

import errno
import re
import sqlite3
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import typer

from solidmark.runs import CURE, shortage

UsageProblem: type[Exception] = typer.BadParameter.__mro__[2]
"""The class of all errors in a command line."""

KINDS = {"integer": "a whole number", "number": "a number", "float": "a number"}
"""What a value should have been, by a word of typer's message."""


def explain_usage(error: Exception, asked: Sequence[str]) -> str:
    """What is wrong with a command line, and where to look.

    Arguments:
        error: A `UsageProblem`.
        asked: The command line.
    """
    context: Any = getattr(error, "ctx", None)
    command = " ".join(["solidmark", *asked[:1]]) if context is None else context.command_path
    see = f'See "{command} --help".'
    option, parameter = getattr(error, "option_name", None), getattr(error, "param", None)
    kind = type(error).__name__
    if kind == "NoSuchOption":
        return f'"{command}" has no option "{option}".{_hint(str(option), context)} {see}'
    if kind == "BadOptionUsage" and "requires" in str(error):
        return f"{option} needs a value. {see}"
    if kind == "MissingParameter" and parameter is not None:
        named = [name for name in parameter.opts if name.startswith("--")]
        return f'"{command}" needs {(named or [parameter.metavar or parameter.name])[0]}. {see}'
    if kind == "BadParameter" and parameter is not None:
        return f"{_wrong_value(error, parameter, context, asked)} {see}"
    message = str(error.format_message())  # type: ignore[attr-defined]
    if extra := re.search(r"extra argument\S* \((.*)\)", message):
        return f'"{command}" has no place for "{extra[1]}". {see}'
    return f"{message.rstrip('.')}. {see}"


def _hint(option: str, context: Any) -> str:
    """The option that was probably meant."""
    known = [name for parameter in context.command.params for name in _names(parameter)]
    close = get_close_matches(option, [name for name in known if name.startswith("--")], n=1)
    return f' Did you mean "{close[0]}"?' if close else ""


def _names(parameter: Any) -> list[str]:
    return [*parameter.opts, *parameter.secondary_opts]


def _wrong_value(error: Any, parameter: Any, context: Any, asked: Sequence[str]) -> str:
    """The option, what it takes, and what was found."""
    name = parameter.opts[0] if parameter.opts[0].startswith("-") else parameter.name
    wanted = next((kind for word, kind in KINDS.items() if word in error.message), None)
    configured: Any = (context.default_map or {}).get(parameter.name) if context else None
    found = _typed(parameter, asked) or [configured]
    if wanted is None or found == [None]:
        return f"{name} cannot be taken: {error.message.removesuffix('.')}."
    wrong = next((value for value in found if not _is_number(value)), found[-1])
    return f'{name} takes {wanted}, not "{wrong}".'


def _typed(parameter: Any, asked: Sequence[str]) -> list[str]:
    """What the command line gives for an option."""
    found = []
    for word, following in zip(asked, [*asked[1:], ""], strict=True):
        name, equals, value = word.partition("=")
        if name in _names(parameter):
            found.append(value if equals else following)
    return found


def _is_number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def explain_system(error: Exception) -> str | None:
    """What the system refused, and what to do; None for an error that is a fault of ours."""
    full = "Make room, then run the same command again: it goes on where it stopped."
    mend = "Mend that, then run the same command again."
    if reason := shortage(error):
        return f"The memory is not enough ({reason}). {CURE}"
    if isinstance(error, OSError):
        remedy = full if error.errno in (errno.ENOSPC, errno.EDQUOT) else mend
        where = f' "{error.filename}"' if error.filename else ""
        reason = error.strerror or " ".join(str(error).split())
        return f"The system refused{where}: {reason}. {remedy}"
    if isinstance(error, sqlite3.Error):
        return f"The ledger of the run cannot be used: {error}. {mend}"
    if isinstance(error, UnicodeEncodeError) and "surrogates" in error.reason:
        return f"The path {ascii(error.object)[:300]} is not text in UTF-8. Rename what it names."
    if "No space left on device" in str(error):
        return f"The system refused: No space left on device. {full}"
    return None
