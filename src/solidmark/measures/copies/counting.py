"""Figures that count something."""

from typing import Any

from solidmark.runs import Figure
from solidmark.scores import clopper_pearson


def share_of(
    measure: str, split: str, statistic: str, n: int, count: int, *, sampled: bool, **own: Any
) -> Figure:
    """A share.

    Arguments:
        sampled: Whether the n are drawn from more, so that there is an interval (Clopper and
            Pearson's); a census has none.
    """
    low, high = clopper_pearson(count, n) if sampled and n else (None, None)
    fields = {"count": count, "ci_low": low, "ci_high": high, "direction": "high", **own}
    value = count / n if n else None
    return Figure(
        measure=measure,
        split=split,
        statistic=statistic,
        n=n,
        value=value,
        unit="share",
        **fields,
    )
