"""Differences between two readings of the same rows, of which some share a key."""

from typing import Any

import numpy as np
from jaxtyping import Float, Int

from solidmark.late import stats
from solidmark.scores.groups import Estimate, effective_n, writable
from solidmark.scores.null import TIE

_LEAST = 2


def difference_of_shares(first: Any, second: Any, codes: Int[np.ndarray, " N"]) -> Estimate:
    """The difference of two shares over the same rows, with McNemar's test.

    .. math:: \\hat d = (c - b) / n, \\qquad
        \\tilde d \\pm z \\sqrt{\\frac{\\tilde p_b + \\tilde p_c - \\tilde d^2}{n + 2}}, \\quad
        \\tilde p = \\frac{\\cdot + 1}{n + 2}

    b rows are hits in the first alone, c in the second alone. The test is the exact binomial of c
    among b + c; where rows share a key it is that of the groups that gained among those that
    gained or lost, and the interval takes the rows for as many as `effective_n` says.

    Arguments:
        first: Whether each row is a hit in the first, booleans with shape (N).

    Returns:
        The difference, in [-1, 1], its 95 % interval and its two-sided p-value.

    References:
        McNemar (1947); Bonett and Price (2012), "Adjusted Wald confidence interval for a
        difference of binomial proportions based on paired data".

    Example:
        >>> first, second = np.array([1, 1, 1, 0]) > 0, np.array([0, 0, 0, 0]) > 0
        >>> difference_of_shares(first, second, np.arange(4)).p_value
        0.25
    """
    gains = second.astype(float) - first.astype(float)
    n, worth = len(gains), effective_n(codes)
    lost, gained = (worth * float((gains == sign).sum()) / n for sign in (-1, 1))
    p_lost, p_gained = (lost + 1) / (worth + 2), (gained + 1) / (worth + 2)
    centre = p_gained - p_lost
    half = stats.norm.ppf(0.975) * np.sqrt((p_lost + p_gained - centre**2) / (worth + 2))
    by_group = np.sign(np.bincount(codes, gains))
    up, moved = int((by_group > 0).sum()), int((by_group != 0).sum())
    p = writable(stats.binomtest(up, moved).pvalue) if moved else 1.0
    low, high = max(-1.0, float(centre - half)), min(1.0, float(centre + half))
    return Estimate(float(gains.mean()), low, high, p)


def difference_of_means(
    first: Float[np.ndarray, " N"],
    second: Float[np.ndarray, " N"],
    codes: Int[np.ndarray, " N"],
) -> Estimate:
    """The mean difference over the same rows, with Wilcoxon's test of signed ranks.

    The interval is Student's t with the variance between key groups; the test is of the mean
    difference of each group.

    Returns:
        The mean difference in the unit of the values, its 95 % interval and two-sided p-value.

    References:
        Wilcoxon (1945); Liang and Zeger (1986) for the variance of clusters.

    Example:
        >>> first = np.array([0.1, 0.2, 0.3])
        >>> round(difference_of_means(first, first + 0.1, np.arange(3)).value, 6)
        0.1
    """
    d = second - first
    mean, n = float(d.mean()), len(d)
    sizes, sums = np.bincount(codes), np.bincount(codes, d)
    groups = len(sizes)
    moved = np.abs(sums / sizes) > TIE
    p = writable(stats.wilcoxon(sums[moved] / sizes[moved]).pvalue) if moved.any() else 1.0
    if groups < _LEAST:
        return Estimate(mean, p_value=p, note=f"An interval needs at least {_LEAST} key groups.")
    spread = np.sqrt(groups / (groups - 1) * ((sums - sizes * mean) ** 2).sum()) / n
    half = float(stats.t.ppf(0.975, groups - 1) * spread)
    return Estimate(mean, mean - half, mean + half, p)
