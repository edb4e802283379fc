"""Pearson's r of the keys and what was read, within groups of peers.

.. math:: r = \\frac{\\sum (k - \\bar k_g)(\\hat k - \\bar{\\hat k}_g)}
    {\\sqrt{\\sum (k - \\bar k_g)^2 \\sum (\\hat k - \\bar{\\hat k}_g)^2}}

The means are those of the group, place by place: a model that knows the average frame of a caption
reads all its images alike, and that is no knowledge of any of them.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from solidmark.late import stats
from solidmark.scores.groups import Estimate, Groups, effective_n, group_codes

_LEAST = 4


def correlation(
    key: Float[np.ndarray, "N M"],
    key_read: Float[np.ndarray, "N M"],
    peers: Sequence[int] | Int[np.ndarray, " N"] | None = None,
    key_groups: Groups | None = None,
) -> Estimate:
    """Correlates the keys with the estimates, over all M values of all rows.

    The interval (Fisher's z) is the usual one when no rows share a key; else it is that of
    `effective_n` rows, as if the rows of a group agreed fully. The test is `Exchange`'s.

    Arguments:
        key: The keys, with shape (N, M), in [0, 1].
        key_read: The estimates, with shape (N, M), in [0, 1].
        peers: The group of each row; all are one when None.
        key_groups: Which rows share a key; None when none do.

    Returns:
        r, in [-1, 1] (chance 0; high means memorized), and its interval; None with a note for
        fewer than 4 values with keys of their own, or when a side is constant within all groups.

    References:
        Fisher (1915, 1921).

    Example:
        >>> k = np.array([[0.1], [0.4], [0.6], [0.9]])
        >>> round(correlation(k, 1 - k).value, 6)
        -1.0
    """
    groups = (
        np.zeros(len(key), dtype=np.int64)
        if peers is None
        else np.unique(peers, return_inverse=True)[1]
    )
    x, y = (_centred(values.astype(np.float64), groups) for values in (key, key_read))
    # The mean of a group is one row's worth of values that are not free.
    free = effective_n(group_codes(key_groups, len(key))) - groups.max() - 1 if len(key) else 0.0
    n = free * key.shape[1] + 1
    if n < _LEAST:
        return Estimate(note=f"A correlation needs at least {_LEAST} values; there are {n:.3g}.")
    for name, values in (("keys", x), ("estimates", y)):
        # A spread below 1e-9 is rounding: r of it would be noise.
        if np.ptp(values) < 1e-9:
            return Estimate(note=f"The {name} are constant, so there is no correlation.")
    r = float(np.clip(stats.pearsonr(x, y).statistic, -1.0, 1.0))
    return Estimate(r, *_interval(r, n))


def _centred(values: Float[np.ndarray, "N M"], groups: Int[np.ndarray, " N"]) -> np.ndarray:
    """What is left of the values without the means of their groups, in one row."""
    sums = np.zeros((groups.max(initial=0) + 1, values.shape[1]))
    np.add.at(sums, groups, values)
    return (values - (sums / np.bincount(groups)[:, None])[groups]).ravel()


def _interval(r: float, n: float) -> tuple[float, float]:
    if abs(r) == 1.0:
        return r, r
    half = stats.norm.ppf(0.975) / np.sqrt(n - 3)
    return float(np.tanh(np.arctanh(r) - half)), float(np.tanh(np.arctanh(r) + half))
