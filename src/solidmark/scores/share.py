"""How many are memorized: the share of images whose key the model knows, from all p-values.

.. math:: \\hat s = 1 - \\frac{\\#\\{p_i > \\lambda\\}}{\\sum_i P_0(p_i > \\lambda)}

P_0 is the law for an image that is not memorized, and lambda is 1/2. Above lambda lie half of the
images that are not memorized, and those of the memorized whose key was read badly: these are taken
for not memorized, so the share is biased low. Its noise is about 1 / sqrt(n), and since no share
is below 0, a share of next to nothing is shown as a little more on average: look at the interval.
"""

import numpy as np
from jaxtyping import Float

from solidmark.errors import EmptyTable
from solidmark.late import stats
from solidmark.scores.groups import Estimate, Groups, group_codes, writable
from solidmark.scores.null import LEVELS, TIE

LAMBDA = 0.5
"""Of the estimate and the upper end; fixed in advance."""

THRESHOLDS = (0.5, 0.1, 0.01, 0.001)
"""Of the lower end: the first serves weak memory of many images, the last strong one of few."""

_ERROR = 0.025
_NOTE = (
    f"Biased low: a memorized image with p above {LAMBDA:g} is not counted. The lower end holds "
    "whatever the memorized images are like, the upper end only if none of them is missed so."
)


def memorized_share(
    p_value: Float[np.ndarray, " N"],
    key_groups: Groups | None = None,
    chance_above: float = 1 - LAMBDA,
) -> Estimate:
    """Estimates the share of memorized images, with an interval.

    When m images are not memorized, the count above a threshold t is at least binomial(m, 1 - t).
    The lower end is the share that is left when m is as large as the count at each of four
    thresholds allows, at 2.5 % divided by four (Bonferroni): exact, and valid without any
    assumption on the memorized images. The estimate is never below it. The upper end is the share
    that is left when m is as small as the count at lambda allows at 2.5 %. It holds if every
    memorized image has p at most lambda.

    Of the rows that share a key only the first counts: their p-values go up and down together, and
    one large group of copies would pass for a share of the set.

    Arguments:
        p_value: The p-values of the images, with shape (N), in (0, 1].
        key_groups: Which rows share a key; None when none do.
        chance_above: P_0(p > lambda), in (0, 1]: above 1/2 where p stands on few values.

    Returns:
        The share of the different keys, in [0, 1] (chance 0; high means memorized), its 95 %
        interval, and the p-value of a share of 0, from the counts at the four thresholds.

    Raises:
        EmptyTable: When there is no row.

    References:
        Storey (2002), "A direct approach to false discovery rates", for the estimate; Meinshausen
        and Rice (2006), "Estimating the proportion of false null hypotheses among a large number
        of independently tested hypotheses", for lower bounds over several thresholds.

    Example:
        >>> p = np.concatenate([np.full(50, 1e-9), (np.arange(50) + 0.5) / 50])
        >>> found = memorized_share(p)
        >>> print(f"{found.ci_low:.2f} {found.value:.2f} {found.ci_high:.2f}")
        0.49 0.50 0.62
    """
    if len(p_value) == 0:
        raise EmptyTable("There is no row to take a share of. Score at least one image.")
    _, first = np.unique(group_codes(key_groups, len(p_value)), return_index=True)
    p, n = p_value[first], len(first)
    above = {t: int((p > t).sum()) for t in THRESHOLDS}
    error = _ERROR / len(THRESHOLDS)
    most = min(_most_unknown(above[t], n, 1 - t, error) for t in THRESHOLDS)
    fewest = _fewest_unknown(above[LAMBDA], n, chance_above, _ERROR)
    low = 1 - most / n
    value = max(low, 1 - above[LAMBDA] / n / chance_above)
    high = max(value, 1 - fewest / n)
    none = min(stats.binom.cdf(above[t], n, 1 - t) for t in THRESHOLDS)
    return Estimate(value, low, high, writable(len(THRESHOLDS) * none), _NOTE)


def chance_above(key_read: Float[np.ndarray, "N 1"], weights: Float[np.ndarray, "1 L"]) -> float:
    """P_0(p > lambda) for images of one key, on average: their p-values stand on few values.

    Arguments:
        key_read: The estimates of one group of peers, with shape (N, 1), in [0, 1].
    """
    rates = weights[0] / weights.sum()
    above = []
    for costs in np.abs(np.arange(LEVELS) / (LEVELS - 1) - key_read):
        order = np.argsort(costs)
        upto = np.cumsum(rates[order])
        p = upto[np.searchsorted(costs[order], costs + TIE, side="right") - 1]
        above.append(float(rates[p > LAMBDA + TIE].sum()))
    return float(np.mean(above))


def _most_unknown(count: int, n: int, chance: float, error: float) -> int:
    """The largest m for which so few of m images above the threshold are not too rare."""
    m = np.arange(count, n + 1)
    return int(m[stats.binom.cdf(count, m, chance) >= error][-1])


def _fewest_unknown(count: int, n: int, chance: float, error: float) -> int:
    """The smallest m for which so many of m images above the threshold are not too rare."""
    m = np.arange(count, n + 1)
    return int(np.append(m[stats.binom.sf(count - 1, m, chance) >= error], n)[0])
