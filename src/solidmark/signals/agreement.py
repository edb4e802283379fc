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
from jaxtyping import Float

from solidmark.late import stats
from solidmark.scores.parts import plain

LEAST = 4
"""Fewer images have no interval."""


def rank_agreement(
    scored: Mapping[str, Sequence[Mapping[str, Any]]], directions: Mapping[str, str]
) -> list[dict[str, Any]]:
    """Spearman's rank correlation of every two signals, as rows of `results.json`.

    A picture counts once; where two images share a prompt, they share its value, and both count.

    Arguments:
        scored: The rows of each signal, by its name, as they stand in `scores.parquet`, with
            `content`.
        directions: Which side means memorized, by signal.
    """
    values = {name: _trained(rows, directions[name]) for name, rows in scored.items()}
    return [_row(one, other, values[one], values[other]) for one, other in combinations(values, 2)]


def spearman(
    one: Float[np.ndarray, " N"], other: Float[np.ndarray, " N"]
) -> tuple[float, float, float, float] | None:
    """Rank correlation, its 95 % interval, and the p-value of a correlation on either side.

    Arguments:
        one: N values.
        other: N values of the same images.

    Returns:
        The correlation, the two ends, the p-value; None for fewer than 4 images, or where all
        values of a signal are the same.

    References:
        Bonett and Wright, 2000 ("Sample size requirements for estimating Pearson, Kendall and
        Spearman correlations"), for the interval.

    Example:
        >>> spearman(np.arange(5.0), np.arange(5.0) ** 2)[0]
        1.0
    """
    n = len(one)
    if n < LEAST or np.ptp(one) == 0 or np.ptp(other) == 0:
        return None
    found = stats.spearmanr(one, other)
    rho = float(np.clip(found.statistic, -1.0, 1.0))
    if abs(rho) == 1.0:
        return rho, rho, rho, float(found.pvalue)
    half = stats.norm.ppf(0.975) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(rho) + np.array([-half, half]))
    return rho, float(low), float(high), float(found.pvalue)


def _trained(rows: Sequence[Mapping[str, Any]], direction: str) -> dict[str, float]:
    """The value of each trained picture, by the hash of its pixels; high = memorized."""
    sign = -1 if direction == "low" else 1
    good = [row for row in rows if row["split"] == "trained" and row["status"] == "ok"]
    found: dict[str, float] = {}
    for row in sorted(good, key=lambda row: str(row["id"])):
        found.setdefault(str(row["content"]), sign * float(row["value"]))
    return found


def _row(
    one: str, other: str, first: Mapping[str, float], second: Mapping[str, float]
) -> dict[str, Any]:
    both = sorted(first.keys() & second.keys())
    found = spearman(
        np.array([first[content] for content in both]),
        np.array([second[content] for content in both]),
    )
    value, low, high, p = (None,) * 4 if found is None else found
    row: dict[str, Any] = {
        "measure": one,
        "with": other,
        "split": "trained",
        "statistic": "spearman",
        "n": len(both),
        "failed": len(first.keys() ^ second.keys()),
        "value": value,
        "unit": "rank correlation",
        "direction": None,
        "chance": 0.0,
        "ci_low": low,
        "ci_high": high,
        "p_value": p,
        "note": None if found else "Too few images, or all of one value: there is no correlation.",
    }
    return plain(row)
