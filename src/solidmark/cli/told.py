"""What stands beside the type of an option, for typer."""

import copy
from collections.abc import Callable, Sequence
from typing import Any, cast

import typer
from typer.models import ArgumentInfo, OptionInfo

from solidmark.cards import Range
from solidmark.cards.option import Choice
from solidmark.errors import BadInput, UnknownName

Check = Callable[..., Any]
Info = OptionInfo | ArgumentInfo


def _one_of(wanted: Choice) -> Check:
    """Checks that each value of an option is one of some names."""

    def check(value: Any) -> Any:
        for word in _several(value):
            if word not in wanted.names:
                raise UnknownName(wanted.kind, word, wanted.names)
        return value

    return check


def _ranged(wanted: Range) -> Check:
    """Checks that each value of an option is in a range."""

    def check(parameter: typer.CallbackParam, value: Any) -> Any:
        for number in _several(value):
            if not wanted.holds(number):
                found = f"{number:g}" if isinstance(number, float) else number
                raise BadInput(f"{parameter.opts[0]} must be {wanted.words}, not {found}.")
        return value

    return check


def option(help: str, *told: Any) -> Any:
    """An option that several commands have, with its help.

    Arguments:
        help: In a sentence.
        told: What else would stand beside its type.
    """
    info = info_of(told, is_argument=False)
    info.help = help
    return info


def argument(help: str, metavar: str) -> Any:
    """An argument that several commands have, with its help."""
    return typer.Argument(help=help, metavar=metavar)


def info_of(told: Sequence[Any], is_argument: bool) -> Info:
    """What stands beside a type, for typer."""
    words = [one for one in told if isinstance(one, str)]
    typed = [word for word in words if word.startswith("-")]
    metavar = next((word for word in words if word not in typed), None)
    check: Any = None
    for one in told:
        if isinstance(one, Info):
            return copy.copy(one)
        if isinstance(one, Choice):
            metavar, check = metavar or "NAME", _one_of(one)
        elif isinstance(one, Range):
            check = _ranged(one)
        elif callable(one):
            check = one
    if is_argument:
        return cast("Info", typer.Argument(metavar=metavar, callback=check))
    return cast("Info", typer.Option(*typed, metavar=metavar, callback=check))


def _several(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
