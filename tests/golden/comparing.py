"""Two frozen texts beside each other: words must be the same, numbers but for rounding.

How far another processor moves a number: docs/decisions/019-rounding.md. Readings, which are
some steps from what a network says, were seen to move by less than TOLERANCE of their size.
"""

import math
import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher

TOLERANCE = 2e-3
"""How far a number may move, against its size. Of x = exp(y) it is that of y: a p-value of
1e-45 is the exponential of a sum of a hundred, so it may move by a hundred times that."""

ZERO = "0.0"
"""How a figure that is exactly zero is written; beside it stands nothing but what rounding left."""

NOTHING = 1e-6
"""The most that rounding leaves of it."""

NUMBER = re.compile(r"(?<![\w.])[-+−]?(?:\d[\d,]*\.\d+|\d+)(?:e[-+]?\d+)?(?![\w])")


def differences(
    frozen: Sequence[str], found: Sequence[str], tolerance: float = TOLERANCE
) -> Iterator[str]:
    """What differs, as a diff: lines that are gone (-) and new (+).

    Arguments:
        frozen: The lines that were frozen.
        found: Those of today.
        tolerance: How far a number may move, against its size.
    """
    words = [[NUMBER.sub("0", line) for line in lines] for lines in (frozen, found)]
    matched = SequenceMatcher(None, *words, autojunk=False)
    for kind, a, b, c, d in matched.get_opcodes():
        if kind == "equal":
            for old, new in zip(frozen[a:b], found[c:d], strict=True):
                if not same(old, new, tolerance):
                    yield from (f"- {old}", f"+ {new}")
        else:
            yield from (f"- {line}" for line in frozen[a:b])
            yield from (f"+ {line}" for line in found[c:d])


def same(old: str, new: str, tolerance: float = TOLERANCE) -> bool:
    """Whether two lines say the same but for rounding."""
    if old == new:
        return True
    if NUMBER.sub("0", old) != NUMBER.sub("0", new):
        return False
    pairs = zip(NUMBER.findall(old), NUMBER.findall(new), strict=True)
    return all(close(one, other, tolerance) for one, other in pairs)


def close(old: str, new: str, tolerance: float = TOLERANCE) -> bool:
    """Whether two numbers, as they are written, are the same but for rounding.

    Whole numbers are counts: they are the same or they are not. What is written with few digits
    may fall to either side of the border between two of them.
    """
    if old == new:
        return True
    if not ("." in old or "e" in old) or not ("." in new or "e" in new):
        return False
    a, b = _value(old), _value(new)
    if ZERO in (old, new):
        return abs(a - b) <= NOTHING
    if abs(a - b) <= 1.01 * max(_step(old), _step(new)):
        return True
    size = max(abs(a), abs(b))
    return abs(a - b) <= tolerance * size * max(1.0, abs(math.log(size)))


def _value(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def _step(text: str) -> float:
    """One unit of the last place that is written."""
    digits, _, power = text.partition("e")
    return 10.0 ** (int(power or 0) - len(digits.partition(".")[2]))
