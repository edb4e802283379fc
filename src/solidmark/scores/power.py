"""What a run could have seen: the smallest share of memorized images that it would not miss.

"Nothing was found" is worth as much as this number is small. It is asked of the two tests that a
verdict rests on, at the level of the verdict, and of the names.
"""

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput
from solidmark.late import optimize, stats
from solidmark.scores.discovery import Correction, harmonic_penalty
from solidmark.scores.level import POWER, level_of


def smallest_share_by_exchange(
    closeness: Float[np.ndarray, " C"],
    n: int,
    *,
    alpha: float | None = None,
    power: float = POWER,
) -> float | None:
    """The smallest share of memorized images that the permutation test shows with this power.

    .. math:: s \\bar c \\sqrt{n} = z_\\alpha + z_\\beta \\sigma_s

    with c-bar the mean closeness of a memorized image (`exchange.closeness`: 0 on average and of
    spread 1 for the others) and sigma_s the spread when a share s is memorized.

    Arguments:
        closeness: That of memorized images, with shape (C), in standard deviations; high =
            memorized. Of the reference, say.
        n: The number of images with keys of their own.
        alpha: The level of the one-sided test; that of a verdict with one reader when None.
        power: The chance of seeing it.

    Returns:
        The share, in [1 / n, 1]; None when even a model that memorized everything would be missed.

    Raises:
        BadInput: When n is below 1, or a rate is outside [0, 1].

    Example:
        >>> round(smallest_share_by_exchange(np.full(1, 5.0), 1000), 3)
        0.023
    """
    alpha = level_of(1) if alpha is None else alpha
    _require_rates(n, alpha=alpha, power=power)
    lead, variance = float(closeness.mean()), float(closeness.var())

    def shortfall(share: float) -> float:
        spread = np.sqrt((1 - share) + share * variance + share * (1 - share) * lead**2)
        needed = stats.norm.isf(alpha) + stats.norm.ppf(power) * spread
        return float(needed - share * lead * np.sqrt(n))

    if shortfall(1.0) > 0:
        return None
    return max(float(optimize.brentq(shortfall, 0.0, 1.0, xtol=1e-9)), 1 / n)


def smallest_share_by_best(
    p_value: Float[np.ndarray, " C"],
    n: int,
    *,
    alpha: float | None = None,
    power: float = POWER,
) -> float | None:
    """The smallest share of memorized images that Simes's test shows with this power.

    The test asks whether any j images have p at most j alpha / n. With m memorized images and F the
    law of their p-values, it sees them at least as often as

    .. math:: \\max_j P(Bin(m, F(j \\alpha / n)) \\ge j)

    Arguments:
        p_value: The p-values of memorized images, with shape (C), in (0, 1]; of the reference, say.
        n: The number of images that are looked at together.
        alpha: The level of the test; that of a verdict with one reader when None.
        power: The chance of seeing it.

    Returns:
        The share, in [1 / n, 1]; None when even a model that memorized everything would be missed.

    Raises:
        BadInput: When n is below 1, or a rate or a p-value is outside [0, 1].

    References:
        Simes (1986), "An improved Bonferroni procedure for multiple tests of significance".

    Example:
        >>> smallest_share_by_best(np.full(20, 1e-9), 1000)  # one image is enough
        0.001
    """
    alpha = level_of(1) if alpha is None else alpha
    ordered = np.sort(p_value)
    _require_rates(n, alpha=alpha, power=power, lowest=ordered[0], highest=ordered[-1])
    j = np.unique(np.geomspace(1, n, 64).astype(int))
    reached = np.searchsorted(ordered, j * alpha / n, side="right") / len(ordered)

    def seen(m: int) -> bool:
        return bool((stats.binom.sf(j - 1, m, reached) >= power).any())

    if not seen(n):
        return None
    low, high = 0, n  # `seen` rises with m
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if seen(middle) else (middle, high)
    return high / n


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


def _require_rates(n: int, **rates: float) -> None:
    if n < 1:
        raise BadInput(f"n is {n}. A share needs at least one image.")
    for name, rate in rates.items():
        if not 0 <= rate <= 1:
            raise BadInput(f"{name} is {rate}. It must be in [0, 1].")
