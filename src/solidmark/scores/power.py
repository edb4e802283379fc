"""What a run could have seen: the smallest share of memorized images that it would not miss.

.. math:: s^* = \\min\\{s : P(X_s \\ge c) \\ge 0.8\\}, \\quad X_s \\sim Bin(n, b + s (h - b)),
    \\quad c = \\min\\{x : P(X_0 \\ge x) \\le 0.05\\}

b is the chance of a hit, h the hit rate of a memorized image. "Nothing was found" is worth as
much as this number is small. The same is asked of the rank test, which sees more than any count,
and of the names.
"""

import numpy as np
from jaxtyping import Float
from scipy import optimize, stats

from solidmark.errors import BadInput
from solidmark.scores.discovery import Correction, harmonic_penalty


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


def smallest_share_by_rank(
    p_value: Float[np.ndarray, " C"], n: int, *, alpha: float = 0.05, power: float = 0.8
) -> float | None:
    """The smallest share of memorized images that the rank test shows with this power.

    .. math:: s (1/2 - \\bar p) \\sqrt{n} = z_\\alpha \\sqrt{1/12} + z_\\beta \\sigma_s

    with p-bar the mean p-value of a memorized image and sigma_s the spread of the p-values when a
    share s is memorized and those of the others are uniform.

    Arguments:
        p_value: The p-values of memorized images, with shape (C), in [0, 1]; of the ceiling, say.
        n: The number of images with keys of their own.
        alpha: The level of the one-sided test.
        power: The chance of seeing it.

    Returns:
        The share, in [1 / n, 1]; None when even a model that memorized everything would be missed.

    Raises:
        BadInput: When n is below 1, or a rate or a p-value is outside [0, 1].

    Example:
        >>> round(smallest_share_by_rank(np.zeros(1), 1000), 3)
        0.046
    """
    lowest, highest = float(p_value.min()), float(p_value.max())
    _require_rates(n, lowest=lowest, highest=highest, alpha=alpha, power=power)
    lead, variance = 0.5 - float(p_value.mean()), float(p_value.var())

    def shortfall(share: float) -> float:
        spread = np.sqrt((1 - share) / 12 + share * variance + share * (1 - share) * lead**2)
        needed = stats.norm.isf(alpha) * np.sqrt(1 / 12) + stats.norm.ppf(power) * spread
        return float(needed - share * lead * np.sqrt(n))

    if shortfall(1.0) > 0:
        return None
    return max(float(optimize.brentq(shortfall, 0.0, 1.0, xtol=1e-9)), 1 / n)


def smallest_named_share(
    p_value: Float[np.ndarray, " C"], n: int, fdr: float = 0.05, correction: Correction = "bh"
) -> float | None:
    """The smallest share of memorized images of which at least half are expected to be named.

    Rows are named up to the largest t at which as many are below it as the rate asks for. With F
    the law of a memorized image's p-value and s the share of such images, that is

    .. math:: (1 - s) t + s F(t) \\ge t / q \\iff s \\ge t (1 / q - 1) / (F(t) - t),

    which is least over all t that half of the memorized lie below, `F(t) >= 1/2`. For any
    dependence between rows (Benjamini and Yekutieli) q is divided by `1 + 1/2 + ... + 1/n`.

    Arguments:
        p_value: The p-values of memorized images, with shape (C), in (0, 1]; of the ceiling, say.
        n: The number of images that are looked at together.
        fdr: The false-discovery rate q, in (0, 1).
        correction: How the q-values are made.

    Returns:
        The share, in [1 / n, 1]; None when not even a model that memorized everything would have
        half of its images named.

    Raises:
        BadInput: When n is below 1, or the rate or a p-value is outside [0, 1].

    References:
        Genovese and Wasserman (2002), "Operating characteristics and extensions of the false
        discovery rate procedure", for the threshold in the limit of many images.

    Example:
        >>> smallest_named_share(np.full(20, 1 / 256), 1000)  # one key, read without any error
        0.07450980392156863
    """
    t = np.sort(p_value)
    _require_rates(n, fdr=fdr, lowest=float(t[0]), highest=float(t[-1]))
    rate = fdr / (harmonic_penalty(n) if correction == "by" else 1.0)
    below = np.searchsorted(t, t, side="right") / len(t)
    usable = (below >= 0.5) & (below > t)
    if not usable.any():
        return None
    shares = t[usable] * (1 / rate - 1) / (below[usable] - t[usable])
    share = max(float(shares.min()), 1 / n)
    return share if share <= 1 else None


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
