"""Do two signals suspect the same images?

.. math:: \\rho = \\mathrm{corr}\\big(\\mathrm{rank}(s), \\mathrm{rank}(s')\\big)

over the trained images, each signal turned so that high ranks mean memorized: 1 = the same order, 0
= nothing to do with each other. Two that agree on memorized images are two witnesses; two that
agree on images that are plain are not.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from solidmark.runs import Figure
from solidmark.scores.ranks import spearman


def rank_agreement(
    scored: Mapping[str, Sequence[Mapping[str, Any]]], directions: Mapping[str, str]
) -> list[Figure]:
    """Spearman's rank correlation of every two signals.

    A picture counts once; where two images share a prompt, they share its value, and both count.

    Arguments:
        scored: The rows of each signal, by its name, as they stand in `scores.parquet`, with
            `content`.
        directions: Which side means memorized, by signal.
    """
    values = {name: _trained(rows, directions[name]) for name, rows in scored.items()}
    pairs = combinations(values, 2)
    return [_correlation(one, other, values[one], values[other]) for one, other in pairs]


def _trained(rows: Sequence[Mapping[str, Any]], direction: str) -> dict[str, float]:
    """The value of each trained picture, by the hash of its pixels; high = memorized."""
    sign = -1 if direction == "low" else 1
    good = [row for row in rows if row["split"] == "trained" and row["status"] == "ok"]
    found: dict[str, float] = {}
    for row in sorted(good, key=lambda row: str(row["id"])):
        found.setdefault(str(row["content"]), sign * float(row["value"]))
    return found


def _correlation(
    one: str, other: str, first: Mapping[str, float], second: Mapping[str, float]
) -> Figure:
    both = sorted(first.keys() & second.keys())
    found = spearman(
        np.array([first[content] for content in both]),
        np.array([second[content] for content in both]),
    )
    value, low, high, p = (None,) * 4 if found is None else found
    return Figure(
        measure=one,
        other=other,
        split="trained",
        statistic="spearman",
        n=len(both),
        failed=len(first.keys() ^ second.keys()),
        value=value,
        unit="rank correlation",
        chance=0.0,
        ci_low=low,
        ci_high=high,
        p_value=p,
        note=None if found else "Too few images, or all of one value: there is no correlation.",
    )
