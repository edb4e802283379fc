"""The aggregate rank test: does the whole set of keys lie closer to the estimates than by chance?

.. math:: z = \\frac{E[\\sum p_i] - \\sum p_i}{\\sqrt{\\mathrm{Var}[\\sum p_i]}}

It uses every row's rank instead of a hit within one delta, so it sees weak memory spread over
many images long before any count does.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int
from scipy import stats

from solidmark.errors import EmptyTable
from solidmark.scores.groups import Estimate, group_codes, writable
from solidmark.scores.null import level_p_values
from solidmark.scores.statistics import Statistic

_GROUPS_AT_ONCE = 4096


def rank_test(
    p_value: Float[np.ndarray, " N"],
    key_read: Float[np.ndarray, "N M"],
    key_groups: Sequence[str] | None = None,
    statistic: Statistic = "l1",
) -> Estimate:
    """Tests all rows at once, by the mean of their p-values.

    With one key a row, mean and variance of each group's sum are exact: they are taken over the
    256 levels of its key. ("fisher" orders these as "l1" does.) With several keys, or with the
    energies, p is as good as uniform or larger, and the uniform law is taken, with mean 1/2 and
    variance 1/12; the rows of a group are taken to agree fully. Both are conservative. The law of
    z is taken for normal: a sum of bounded terms, so true tails are lighter. The interval comes
    from the spread between groups.

    Arguments:
        p_value: The p-values of the rows, with shape (N), in (0, 1].
        key_read: The estimates they belong to, with shape (N, M), in [0, 1].
        key_groups: Which rows share a key; None when none do.
        statistic: What the p-values rank.

    Returns:
        z in standard deviations (chance 0; high means memorized), interval and one-sided p-value.

    Raises:
        EmptyTable: When there is no row.

    References:
        Edgington (1972), "An additive method for combining probability values"; the discrete,
        grouped moments are ours.

    Example:
        >>> read = np.linspace(0, 1, 12)[:, None]
        >>> rank_test(np.full(12, 1 / 256), read).value > 5
        True
    """
    if len(p_value) == 0:
        raise EmptyTable("There is no row to rank. Score at least one image.")
    codes = group_codes(key_groups, len(p_value))
    mean, variance = _moments(key_read, codes, statistic)
    lead = mean - np.bincount(codes, p_value)
    spread = float(np.sqrt(variance.sum()))
    z = float(lead.sum()) / spread
    p = writable(stats.norm.sf(z))
    if len(lead) < 2:
        return Estimate(z, p_value=p, note="An interval needs at least 2 key groups.")
    half = float(stats.norm.ppf(0.975) * np.sqrt(len(lead) * lead.var(ddof=1))) / spread
    return Estimate(z, z - half, z + half, p)


def _moments(
    key_read: Float[np.ndarray, "N M"], codes: Int[np.ndarray, " N"], statistic: Statistic
) -> tuple[Float[np.ndarray, " G"], Float[np.ndarray, " G"]]:
    """The mean and the variance of each group's sum of p-values, if keys know nothing."""
    sizes = np.bincount(codes)
    if key_read.shape[1] > 1 or statistic == "energy":
        return sizes / 2, sizes**2 / 12
    rows = np.argsort(codes, kind="stable")
    ends = np.concatenate([[0], np.cumsum(sizes)])
    mean, variance = [], []
    for first in range(0, len(sizes), _GROUPS_AT_ONCE):
        bounds = ends[first : first + _GROUPS_AT_ONCE + 1]
        p = level_p_values(key_read[rows[bounds[0] : bounds[-1]], 0])
        sums = np.add.reduceat(p, bounds[:-1] - bounds[0], axis=0)
        mean.append(sums.mean(axis=1))
        variance.append(sums.var(axis=1))
    return np.concatenate(mean), np.concatenate(variance)
