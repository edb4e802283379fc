"""What a class is called and which number it has: one rule for every source.

Whole numbers are their own number, whether they were written as 10, 10.0 or "10"; so are the
numbers that come with names (`ClassLabel`, a marked folder). Other names are numbered in order.
A negative number, as `datasets` writes it where nothing is known, and a gap are no class.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

MOST = 1_000_000
"""Above it a whole number is a name: no network has as many classes, and an id of a person or an
article is none."""

_WHOLE = re.compile(r"(-?\d{1,15})(?:\.0*)?", re.ASCII)


@dataclass(frozen=True)
class NamedClass:
    """A class that its source has given both a name and a number."""

    name: str
    number: int


def named_class(value: object, names: Sequence[str]) -> NamedClass | str | None:
    """The cell of a column whose numbers have names.

    Returns:
        The class; None for a gap or a negative number, and a number beyond the names as it is.
    """
    if not isinstance(value, int) or value < 0:
        return None if value is None or isinstance(value, int) else str(value)
    return NamedClass(names[value], value) if value < len(names) else str(value)


def class_label(text: str | None) -> str | None:
    """The name of a class as it was written.

    Example:
        >>> [class_label(text) for text in ("10.0", "007", "-1", " ", "owl")]
        ['10', '007', None, None, 'owl']
    """
    if text is None or not text.strip():
        return None
    whole = _WHOLE.fullmatch(text.strip())
    if whole is None:
        return text
    return None if int(whole[1]) < 0 else whole[1]


def whole_number(text: str | None) -> int | None:
    """The value of a class that is written as a whole number."""
    label = class_label(text)
    if label is None or not (label.isascii() and label.isdecimal()) or len(label) > 15:
        return None
    return int(label) if int(label) < MOST else None


def class_numbers(known: Iterable[tuple[str | None, int | None]]) -> dict[str, int]:
    """The number of each class.

    Arguments:
        known: The name of each image's class, and the number that its source gives it, if any.

    Returns:
        The numbers by name: the source's own where every name has one, else the values of names
        that are all whole numbers, else the places of the names in order, numbers first.

    Example:
        >>> class_numbers([("10", None), ("2", None), (None, None)])
        {'2': 2, '10': 10}
        >>> class_numbers([("owl", None), ("cat", None)])
        {'cat': 0, 'owl': 1}
        >>> class_numbers([("owl", 4), ("cat", 7)])
        {'owl': 4, 'cat': 7}
    """
    given: dict[str, set[int | None]] = {}
    for name, number in known:
        if name is not None:
            given.setdefault(name, set()).add(number)
    own = {name: next(iter(numbers)) for name, numbers in given.items() if len(numbers) == 1}
    values = {name: whole_number(name) for name in given}
    for numbers in (own, values):
        found = {name: number for name, number in numbers.items() if number is not None}
        if len(found) == len(given) == len(set(found.values())):
            return dict(sorted(found.items(), key=lambda pair: pair[1]))
    ordered = sorted(given, key=lambda name: (values[name] is None, values[name] or 0, name))
    return {name: number for number, name in enumerate(ordered)}


def names_by_number(numbers: dict[str, int]) -> list[str | None]:
    """The name of each number from 0 on; None where no image has it."""
    names: list[str | None] = [None] * (max(numbers.values(), default=-1) + 1)
    for name, number in numbers.items():
        names[number] = name
    return names
