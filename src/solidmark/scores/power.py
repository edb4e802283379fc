"""What a run could have seen: the smallest share of memorized images that it would not miss.

.. math:: s^* = \\min\\{s : P(X_s \\ge c) \\ge 0.8\\}, \\quad X_s \\sim Bin(n, b + s (h - b)),
    \\quad c = \\min\\{x : P(X_0 \\ge x) \\le 0.05\\}

b is the chance of a hit, h the hit rate of a memorized image. "Nothing was found" is worth as
much as this number is small.
"""

from scipy import optimize, stats

from solidmark.errors import BadInput


def smallest_share(
    n: int, chance: float, hit_rate: float = 1.0, *, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest share of memorized images that a count of hits shows with this power.

    Before a run `chance` is a closed form (`chance_uniform(delta)`, say) and `hit_rate` is 1;
    after it they are the chance of the estimates made and what the reader found at the ceiling.
    Chances that differ between the rows spread the count less than their mean does, so the
    binomial law is conservative.

    Arguments:
        n: The number of images with keys of their own.
        chance: The mean chance of a hit for an image that is not memorized, in [0, 1].
        hit_rate: The chance of a hit for one that is, in [0, 1].
        alpha: The level of the one-sided test.
        power: The chance of seeing it.

    Returns:
        The share, in [0, 1]; None when even a model that memorized everything would be missed.

    Raises:
        BadInput: When n is below 1, or a rate is outside [0, 1].

    Example:
        >>> round(smallest_share(1000, 0.0975), 3)
        0.027
        >>> smallest_share(3, 0.5) is None
        True
    """
    _require_rates(n, chance=chance, hit_rate=hit_rate, alpha=alpha, power=power)
    critical = _critical_count(n, chance, alpha)

    def shortfall(share: float) -> float:
        rate = chance + share * (hit_rate - chance)
        return float(stats.binom.sf(critical - 1, n, rate)) - power

    if hit_rate <= chance or shortfall(1.0) < 0:
        return None
    if shortfall(0.0) >= 0:  # only for a power that the test's false alarms reach
        return 0.0
    return float(optimize.brentq(shortfall, 0.0, 1.0, xtol=1e-9))


def _critical_count(n: int, chance: float, alpha: float) -> int:
    """The smallest count whose upper tail is at most alpha; n + 1 when there is none."""
    count = int(stats.binom.isf(alpha, n, chance)) + 1
    # The quantile of a discrete law can be one off where a tail equals alpha.
    while count > 0 and stats.binom.sf(count - 2, n, chance) <= alpha:
        count -= 1
    return count


def _require_rates(n: int, **rates: float) -> None:
    if n < 1:
        raise BadInput(f"n is {n}. A share needs at least one image.")
    for name, rate in rates.items():
        if not 0 <= rate <= 1:
            raise BadInput(f"{name} is {rate}. It must be in [0, 1].")
