"""Rows of `results.json` that count something, with the fields that every row has."""

from typing import Any

from solidmark.scores import clopper_pearson
from solidmark.scores.parts import plain


def number_row(
    measure: str, split: str, statistic: str, n: int, value: float | None, unit: str, **own: Any
) -> dict[str, Any]:
    """A row of one number.

    Arguments:
        measure: What was measured by.
        split: Which images.
        statistic: Its name.
        n: Of how many.
        value: The number; None where it cannot be had, and `note` says why.
        unit: Its unit.
        own: Other fields, and other values for those that every row has.
    """
    row = {
        "measure": measure,
        "split": split,
        "statistic": statistic,
        "n": n,
        "failed": 0,
        "value": value,
        "unit": unit,
        "direction": None,
        "chance": None,
        "ci_low": None,
        "ci_high": None,
        "p_value": None,
        "note": None,
    }
    return plain(row | own)


def share_row(
    measure: str, split: str, statistic: str, n: int, count: int, *, sampled: bool, **own: Any
) -> dict[str, Any]:
    """A row of a share.

    Arguments:
        measure: What was measured by.
        split: Which images.
        statistic: Its name.
        n: Of how many.
        count: How many of them.
        sampled: Whether the n are drawn from more, so that there is an interval (Clopper and
            Pearson's); a census has none.
        own: Other fields.
    """
    low, high = clopper_pearson(count, n) if sampled and n else (None, None)
    fields = {"count": count, "ci_low": low, "ci_high": high, "direction": "high", **own}
    value = count / n if n else None
    return number_row(measure, split, statistic, n, value, "share", **fields)
