"""Pearson's r of the keys and what was read.

.. math:: r = \\frac{\\sum (k - \\bar k)(\\hat k - \\bar{\\hat k})}
    {\\sqrt{\\sum (k - \\bar k)^2 \\sum (\\hat k - \\bar{\\hat k})^2}}
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import stats

from solidmark.scores.groups import Estimate, effective_n, group_codes, writable

_LEAST = 4


def correlation(
    key: Float[np.ndarray, "N M"],
    key_read: Float[np.ndarray, "N M"],
    key_groups: Sequence[str] | None = None,
) -> Estimate:
    """Correlates the keys with the estimates, over all M values of all rows.

    Interval (Fisher's z) and p-value (Student's t) are the usual ones when no rows share a key;
    else they are those of `effective_n` rows, as if the rows of a group agreed fully.

    Arguments:
        key: The keys, with shape (N, M), in [0, 1].
        key_read: The estimates, with shape (N, M), in [0, 1].
        key_groups: Which rows share a key; None when none do.

    Returns:
        r, in [-1, 1] (chance 0; high means memorized), interval and one-sided p-value; None with
        a note for fewer than 4 values with keys of their own, or when a side is constant.

    References:
        Fisher (1915, 1921).

    Example:
        >>> k = np.array([[0.1], [0.4], [0.6], [0.9]])
        >>> round(correlation(k, 1 - k).value, 6)
        -1.0
    """
    x, y = key.ravel().astype(np.float64), key_read.ravel().astype(np.float64)
    n = effective_n(group_codes(key_groups, len(key))) * key.shape[1] if len(key) else 0.0
    if n < _LEAST:
        return Estimate(note=f"A correlation needs at least {_LEAST} values; there are {n:.3g}.")
    for name, values in (("keys", x), ("estimates", y)):
        # A spread below 1e-9 is rounding: r of it would be noise.
        if np.ptp(values) < 1e-9:
            return Estimate(note=f"The {name} are constant, so there is no correlation.")
    r = float(np.clip(stats.pearsonr(x, y).statistic, -1.0, 1.0))
    low, high = _interval(r, n)
    return Estimate(r, low, high, _p_value(r, n))


def _interval(r: float, n: float) -> tuple[float, float]:
    if abs(r) == 1.0:
        return r, r
    half = stats.norm.ppf(0.975) / np.sqrt(n - 3)
    return float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))


def _p_value(r: float, n: float) -> float:
    """The chance of an r at least as high."""
    t = np.inf * r if abs(r) == 1.0 else r * np.sqrt((n - 2) / (1 - r**2))
    return writable(stats.t.sf(t, n - 2))
