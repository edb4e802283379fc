"""Whether two numbers put the same images in the same order.

.. math:: \\rho = \\mathrm{corr}\\big(\\mathrm{rank}(s), \\mathrm{rank}(s')\\big)
"""

from typing import Literal

import numpy as np
from jaxtyping import Float

from solidmark.late import stats
from solidmark.scores.groups import writable

LEAST = 4
"""Fewer images have no interval."""


def spearman(
    one: Float[np.ndarray, " N"],
    other: Float[np.ndarray, " N"],
    alternative: Literal["two-sided", "greater"] = "two-sided",
) -> tuple[float, float, float, float] | None:
    """Rank correlation, its 95 % interval, and its p-value.

    Arguments:
        one: N values.
        other: N values of the same images.
        alternative: What the p-value is of: a correlation on either side, or above 0.

    Returns:
        The correlation, the two ends, the p-value; None for fewer than 4 images, or where all
        values of a side are the same.

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
    found = stats.spearmanr(one, other, alternative=alternative)
    rho = float(np.clip(found.statistic, -1.0, 1.0))
    if abs(rho) == 1.0:
        return rho, rho, rho, writable(found.pvalue)
    half = stats.norm.ppf(0.975) * np.sqrt((1 + rho**2 / 2) / (n - 3))
    low, high = np.tanh(np.arctanh(rho) + np.array([-half, half]))
    return rho, float(low), float(high), writable(found.pvalue)
