"""What a count within a calibrated threshold could have seen.

.. math:: K = c + X, \\quad X \\sim BetaBinomial(n - c, r, m + 1 - r)

c of n images are copies, which lie within any threshold; of the others each lies below the r-th of
m distances with a rate that is a draw of Beta(r, m + 1 - r), since both are draws of one law.
"""

from collections.abc import Callable

from solidmark.late import stats

POWER = 0.8


def smallest_copied_share(
    n: int, m: int, rank: int, alpha: float, power: float = POWER
) -> float | None:
    """The smallest share of copies that the count within a calibrated threshold shows.

    Arguments:
        n: How many images are in question.
        m: How many images the null has.
        rank: Below which of their distances the threshold lies, 1 = the smallest.
        alpha: How small the p-value of the count must be.
        power: How often it is to be so.

    Returns:
        The share, in [1 / n, 1]; None when no number of copies would show.

    References:
        Vovk (2012), "Conditional validity of inductive conformal predictors", for the beta law.

    Example:
        >>> smallest_copied_share(1000, 999, 10, 0.01)
        0.017
        >>> smallest_copied_share(3, 3, 1, 0.01) is None
        True
    """

    def p_value(count: int) -> float:
        # As of `scores.within`: at most r - 1 of the null among the count + r - 1 lowest.
        return float(stats.hypergeom.cdf(rank - 1, n + m, m, count + rank - 1))

    def is_seen(copies: int) -> bool:
        missing = needed - copies
        if missing <= 0:
            return True
        return bool(stats.betabinom.sf(missing - 1, n - copies, rank, m + 1 - rank) >= power)

    needed = _first(lambda count: p_value(count) < alpha, n + 1)
    if needed > n:
        return None
    return max(1, _first(is_seen, needed)) / n


def _first(holds: Callable[[int], bool], end: int) -> int:
    """The smallest number in 0 ... end for which a rising condition holds; end if none below."""
    low, high = 0, end
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low
