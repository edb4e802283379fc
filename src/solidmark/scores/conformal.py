"""How rarely a fresh image comes as close: conformal p-values against held-out images.

.. math:: p = \\frac{1 + \\#\\{j : d_j \\le d\\}}{m + 1}

d_1 ... d_m are the distances of m held-out images. If an image is exchangeable with them (its
distance could as well have been one of theirs), its rank among the m + 1 is as likely to be one as
another, so P(p <= a) <= a whatever the law of the distances, exactly and for every m; a tie counts
against it. No threshold of a paper is asked, and none carries over to other data or other sizes.

Exchangeable are trained and held-out images that were split at random, if the model learned
nothing of either. Generations are so only if the model draws what the data hold: blurred or empty
pictures lie closer to everything, memorized or not. Look at the contrast of what is named.
"""

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput
from solidmark.late import stats


def conformal_p_values(
    values: Float[np.ndarray, " N"], null: Float[np.ndarray, " m"]
) -> Float[np.ndarray, " N"]:
    """The chance that a fresh image comes at least as close, from m held-out ones.

    It holds on average over the draw of the held-out images (marginally). Given these m, the rate
    below a threshold is a draw from a beta law: `realised_fpr_interval`. All N rows share the m,
    so their p-values lean the same way; Benjamini and Hochberg's naming holds for these.

    Arguments:
        values: The distances, with shape (N), low = close; NaN for a row that was not scored.
        null: The distances of the held-out images, with shape (m); those that are NaN are not
            among the m.

    Returns:
        The p-values, with shape (N), in [1 / (m + 1), 1], NaN where the distance is; low means
        memorized.

    Raises:
        BadInput: When no held-out image has a distance.

    References:
        Algorithmic Learning in a Random World (Vovk et al., 2005), for validity; Bates et al.
        (2023), "Testing for outliers with conformal p-values", for false discoveries.

    Example:
        >>> conformal_p_values(np.array([0.05, 0.2, np.nan]), np.array([0.1, 0.2, 0.3]))
        array([0.25, 0.75,  nan])
    """
    ordered = _ordered(null)
    values = np.asarray(values, dtype=np.float64)
    p = (1 + np.searchsorted(ordered, values, side="right")) / (len(ordered) + 1)
    return np.where(np.isnan(values), np.nan, p)


def threshold_at(null: Float[np.ndarray, " m"], fpr: float) -> float | None:
    """The largest distance that a fresh image stays within with a chance of at most fpr.

    .. math:: d \\le t \\iff d < d_{(r)} \\iff p \\le fpr, \\quad r = \\lfloor fpr (m + 1) \\rfloor

    t is the number just below the r-th smallest distance, since that itself may be a tie: hashes
    and bytes make them. With ties the chance is below r / (m + 1), never above.

    Arguments:
        null: The distances of the held-out images, with shape (m), low = close; NaN is left out.
        fpr: The false-positive rate, in (0, 1).

    Returns:
        The threshold, in the unit of the distances; None when m + 1 < 1 / fpr, a rate that so few
        images cannot show: `images_needed`.

    Raises:
        BadInput: When no held-out image has a distance, or the rate is not in (0, 1).

    Example:
        >>> null = np.arange(1, 100) / 100
        >>> t = threshold_at(null, 0.05)
        >>> t < 0.05, t > 0.0499999, threshold_at(null, 0.001)
        (True, True, None)
    """
    ordered = _ordered(null)
    rank = rank_at(len(ordered), fpr)
    return float(np.nextafter(ordered[rank - 1], -np.inf)) if rank else None


def rank_at(m: int, fpr: float) -> int:
    """r = floor(fpr (m + 1)): which of the m distances, from the smallest, a threshold lies below.

    Returns:
        The rank, in 0 ... m; at 0 there is no threshold.

    Raises:
        BadInput: When the rate is not in (0, 1).
    """
    if not 0 < fpr < 1:
        raise BadInput(f'A false-positive rate of "{fpr:g}" was asked. Use one between 0 and 1.')
    return int(fpr * (m + 1) + 1e-9)


def images_needed(fpr: float) -> int:
    """How many held-out images a false-positive rate needs to be shown at all.

    Example:
        >>> images_needed(0.01)
        99
    """
    return int(np.ceil(1 / fpr - 1e-9)) - 1


def realised_fpr_interval(m: int, rank: int, level: float = 0.95) -> tuple[float, float]:
    """Between which rates the threshold below the r-th of m distances is really passed.

    .. math:: F(d_{(r)}) \\sim Beta(r, m + 1 - r)

    The mean is r / (m + 1); this is the spread over the draw of the held-out images, which a user
    draws once. With ties the rate is lower still.

    Arguments:
        m: The number of held-out images.
        rank: The rank r of `rank_at`, in 1 ... m.
        level: The chance that the rate lies between the two ends.

    Returns:
        The lower and the upper end, in [0, 1].

    References:
        Vovk (2012), "Conditional validity of inductive conformal predictors".

    Example:
        >>> low, high = realised_fpr_interval(999, 10)
        >>> print(f"{low:.4f} {high:.4f}")
        0.0048 0.0170
    """
    ends = (1 - level) / 2, (1 + level) / 2
    low, high = stats.beta.ppf(ends, rank, m + 1 - rank)
    return float(low), float(high)


def least_nameable(n: int, m: int, fdr: float) -> int:
    """How many of n rows must be closer than every held-out image before any can be named.

    No p-value is below 1 / (m + 1), and Benjamini and Hochberg name k rows at p if n p / k <= fdr.

    Example:
        >>> least_nameable(5000, 500, 0.05)
        200
    """
    return int(np.ceil(n / (fdr * (m + 1)) - 1e-9))


def _ordered(null: Float[np.ndarray, " m"]) -> Float[np.ndarray, " m"]:
    ordered = np.asarray(null, dtype=np.float64)
    ordered = np.sort(ordered[~np.isnan(ordered)])
    if len(ordered) == 0:
        raise BadInput("No held-out image has a distance. Give some, or ask for no p-values.")
    return ordered
