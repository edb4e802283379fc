"""How many are memorized: the share of images whose key the model knows, from all p-values.

.. math:: \\hat s = 1 - \\frac{\\#\\{p_i > \\lambda\\}}{\\sum_i P_0(p_i > \\lambda)}

P_0 is the law for an image that is not memorized, and lambda is 1/2. Above lambda lie half of the
images that are not memorized, and those of the memorized whose key was read badly: these are taken
for not memorized, so the share is biased low. Its noise is about 1 / sqrt(n), and since no share
is below 0, a share of next to nothing is shown as a little more on average: look at the interval.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float
from scipy import stats

from solidmark.errors import EmptyTable
from solidmark.scores.groups import Estimate, effective_n, group_codes, writable
from solidmark.scores.null import level_p_values
from solidmark.scores.statistics import Statistic

LAMBDA = 0.5
"""Of the estimate and the upper end; fixed in advance."""

THRESHOLDS = (0.5, 0.1, 0.01, 0.001)
"""Of the lower end: the first serves weak memory of many images, the last strong one of few."""

_ERROR = 0.025
_ROWS_AT_ONCE = 4096
_NOTE = (
    f"Biased low: a memorized image with p above {LAMBDA:g} is not counted. The lower end holds "
    "whatever the memorized images are like, the upper end only if none of them is missed so."
)


def memorized_share(
    p_value: Float[np.ndarray, " N"],
    key_read: Float[np.ndarray, "N M"],
    key_groups: Sequence[str] | None = None,
    statistic: Statistic = "l1",
) -> Estimate:
    """Estimates the share of memorized images, with an interval.

    When m images are not memorized, the count above a threshold t is at least binomial(m, 1 - t).
    The lower end is the share that is left when m is as large as the count at each of four
    thresholds allows, at 2.5 % divided by four (Bonferroni): exact, and valid without any
    assumption on the memorized images. The estimate is never below it. The upper end is the share
    that is left when m is as small as the count at lambda allows at 2.5 %. It holds if every
    memorized image has p at most lambda.

    P_0 is exact with one key and its distance; else p counts as uniform. Rows that share a key
    count as `effective_n` rows.

    Arguments:
        p_value: The p-values of the rows, with shape (N), in (0, 1].
        key_read: The estimates they belong to, with shape (N, M), in [0, 1].
        key_groups: Which rows share a key; None when none do.
        statistic: What the p-values rank.

    Returns:
        The share, in [0, 1] (chance 0; high means memorized), its 95 % interval, and the p-value
        of a share of 0, from the counts at the four thresholds.

    Raises:
        EmptyTable: When there is no row.

    References:
        Storey (2002), "A direct approach to false discovery rates", for the estimate; Meinshausen
        and Rice (2006), "Estimating the proportion of false null hypotheses among a large number
        of independently tested hypotheses", for lower bounds over several thresholds.

    Example:
        >>> p = np.concatenate([np.full(50, 1e-9), (np.arange(50) + 0.5) / 50])
        >>> found = memorized_share(p, np.full((100, 4), 0.5))
        >>> print(f"{found.ci_low:.2f} {found.value:.2f} {found.ci_high:.2f}")
        0.49 0.50 0.62
    """
    n = len(p_value)
    if n == 0:
        raise EmptyTable("There is no row to take a share of. Score at least one image.")
    trials = max(1, int(effective_n(group_codes(key_groups, n)) + 1e-9))
    chance_above = _chance_above(key_read, statistic)
    above = {t: float((p_value > t).sum()) / n * trials for t in THRESHOLDS}
    error = _ERROR / len(THRESHOLDS)
    most = min(_most_unknown(above[t], trials, 1 - t, error) for t in THRESHOLDS)
    fewest = _fewest_unknown(above[LAMBDA], trials, float(chance_above.max()), _ERROR)
    low = 1 - most / trials
    value = max(low, 1 - above[LAMBDA] / trials / float(chance_above.mean()))
    high = max(value, 1 - fewest / trials)
    p = min(stats.binom.cdf(_up(above[t]), trials, 1 - t) for t in THRESHOLDS)
    return Estimate(value, low, high, writable(len(THRESHOLDS) * p), _NOTE)


def _chance_above(
    key_read: Float[np.ndarray, "N M"], statistic: Statistic
) -> Float[np.ndarray, " N"]:
    """P_0(p > lambda) of each row. The p-value of one key stands on at most 256 values."""
    if key_read.shape[1] > 1 or statistic == "energy":
        return np.full(len(key_read), 1 - LAMBDA)
    parts = [
        (level_p_values(key_read[first : first + _ROWS_AT_ONCE, 0]) > LAMBDA).mean(axis=1)
        for first in range(0, len(key_read), _ROWS_AT_ONCE)
    ]
    return np.concatenate(parts)


def _most_unknown(above: float, trials: int, chance: float, error: float) -> int:
    """The largest m for which so few of m images above the threshold are not too rare."""
    count = min(_up(above), trials)
    m = np.arange(count, trials + 1)
    return int(m[stats.binom.cdf(count, m, chance) >= error][-1])


def _fewest_unknown(above: float, trials: int, chance: float, error: float) -> int:
    """The smallest m for which so many of m images above the threshold are not too rare."""
    count = int(above + 1e-9)
    m = np.arange(count, trials + 1)
    return int(np.append(m[stats.binom.sf(count - 1, m, chance) >= error], trials)[0])


def _up(count: float) -> int:
    """A count of `effective_n` rows as a whole number, on the side of fewer memorized images."""
    return int(np.ceil(count - 1e-9))
