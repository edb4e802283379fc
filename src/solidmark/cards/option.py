"""An option: what can be told to a command, or to a thing with a name."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Annotated, Any, get_args, get_origin

from solidmark.errors import BadInput, UnknownName


@dataclass(frozen=True)
class Range:
    """Which numbers an option takes.

    Arguments:
        words: In words: "1 or more".
        holds: Whether a number is one of them.
    """

    words: str
    holds: Callable[[float], bool]


def at_least(least: int) -> Range:
    """Whole numbers from a lowest one on."""
    return Range(f"{least} or more", lambda number: number >= least)


def between(low: int, high: int) -> Range:
    """Numbers from one to another, both included."""
    return Range(f"{low} to {high}", lambda number: low <= number <= high)


ABOVE_ZERO = Range("above 0", lambda number: 0 < number < float("inf"))
NOT_NEGATIVE = Range("0 or more", lambda number: 0 <= number < float("inf"))
A_SHARE = Range("above 0 and at most 1", lambda number: 0 < number <= 1)
BELOW_ONE = Range("above 0 and below 1", lambda number: 0 < number < 1)
SET_ASIDE = Range("at least 0 and below 1", lambda number: 0 <= number < 1)
IN_UNIT = Range("in [0, 1]", lambda number: 0 <= number <= 1)
IN_COSINES = Range("in [-1, 1]", lambda number: -1 <= number <= 1)

Positive = Annotated[int, at_least(1)]
Whole = Annotated[int | None, at_least(1)]
Share = Annotated[float, A_SHARE]


@dataclass(frozen=True)
class Choice:
    """The names that an option takes.

    Arguments:
        kind: What they are names of, when one is refused.
        names: The names.
    """

    kind: str
    names: Sequence[str]


def check(options: Any) -> None:
    """Checks every field of a dataclass by the range or the names beside its type.

    Raises:
        BadInput: When a number is out of its range.
        UnknownName: When a word is not among its names.
    """
    for one in fields(options):
        value = getattr(options, one.name)
        told = get_args(one.type)[1:] if get_origin(one.type) is Annotated else ()
        for beside in told if value is not None else ():
            if isinstance(beside, Range) and not beside.holds(value):
                found = f"{value:g}" if isinstance(value, float) else value
                name = one.name.replace("_", "-")
                raise BadInput(f"--{name} must be {beside.words}, not {found}.")
            if isinstance(beside, Choice) and value not in beside.names:
                raise UnknownName(beside.kind, value, beside.names)


@dataclass(frozen=True)
class Option:
    """An option of a thing with a name; its default is that of the field of the same name.

    Arguments:
        name: Of the field.
        type: Of its value.
        default: When it is not given.
        help: What it is, in a sentence.
        range: The numbers that it takes.
        choices: The names that it takes, where it takes names.
        kind: What they are names of, when one is refused.
        called: As commands have it, where not as its field: `spread_t` is typed `--spread-t`.
    """

    name: str
    type: Any
    default: Any
    help: str
    range: Range | None = None
    choices: tuple[str, ...] = ()
    kind: str = ""
    called: str = ""

    def of(self, owner: str) -> "Option":
        """The same with the name of its owner in front, which begins the help too."""
        called = f"{owner.replace('-', '_')}_{self.name}"
        return replace(self, called=called, help=f"{owner.capitalize()}: {self.help}")
