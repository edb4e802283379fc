"""What a run will be able to see, before it is made: power by the number of keys.

.. math:: t^* = \\max \\{t : t \\le q (s F(t) + (1 - s) t)\\}, \\qquad \\text{named} = F(t^*)

A share s of the images is memorized; F is the law of their p-values (`strength`) and those of all
others are uniform. In a large run the threshold of Benjamini and Hochberg's procedure settles at
t*, and everything else follows from F: the smallest share of which half is named, the share that
the rank test sees, and the weakest memory that is seen in one image alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput
from solidmark.late import optimize
from solidmark.scores.power import (
    smallest_named_share,
    smallest_share_by_best,
    smallest_share_by_exchange,
)
from solidmark.scores.strength import memorized_closeness, memorized_p_values

COUNTS = (1, 2, 4, 8, 16, 32, 64)
"""Keys an image."""

ERRORS = (0.02, 0.05, 0.1, 0.15, 0.2)
"""Reading errors, from a copy known by heart to a faint trace."""

_STRONGEST, _FAINTEST = 0.005, 0.32
_NEARLY_ALL = 0.9


@dataclass(frozen=True)
class Prospect:
    """What will be seen of images that are read with one error.

    Arguments:
        error: The mean distance between the keys of a memorized image and what is read, in
            [0, 1/3); low means memorized, 1/3 is chance.
        named: The expected share of the memorized images that is named, in [0, 1].
        smallest_named: The smallest share of memorized images of which half are named; None when
            that is not even so if all are memorized. At least one image.
        smallest_seen: The smallest share of memorized images that a verdict with one reader calls
            memorized in 80 % of the runs, by the better of its tests; None as above.
    """

    error: float
    named: float
    smallest_named: float | None
    smallest_seen: float | None


@dataclass(frozen=True)
class Outlook:
    """What a run with this number of keys an image will see.

    Arguments:
        count: How many keys an image carries (M).
        weakest_error: The largest error at which an image is named that is the only one memorized,
            in half of the runs; None when no single image can be.
        prospects: One an error.
    """

    count: int
    weakest_error: float | None
    prospects: tuple[Prospect, ...]


def outlook(
    images: int,
    share: float,
    fdr: float = 0.05,
    *,
    counts: Sequence[int] = COUNTS,
    errors: Sequence[float] = ERRORS,
) -> list[Outlook]:
    """Forecasts a run, for several numbers of keys and several strengths of memory.

    Arguments:
        images: How many images are trained on and asked for (n), each with keys of its own.
        share: The share of them that is memorized, in (0, 1].
        fdr: The false-discovery rate at which images are named, in (0, 1).
        counts: The numbers of keys an image.
        errors: The reading errors, in (0, 1/3).

    Returns:
        One outlook a count.

    Raises:
        BadInput: When a number is outside its range, or the share is less than one image.

    Example:
        >>> solid, segments = outlook(10_000, 0.01, counts=(1, 16), errors=(0.1,))
        >>> solid.prospects[0].named, segments.prospects[0].named > 0.9
        (0.0, True)
    """
    _require(images, share, fdr)
    return [
        Outlook(
            count,
            weakest_error(count, images, fdr),
            tuple(_prospect(count, error, images, share, fdr) for error in errors),
        )
        for count in counts
    ]


def enough_keys(outlooks: Sequence[Outlook]) -> int:
    """The least keys an image with which nearly all memorized images are named at every error.

    More would gain nothing, and smaller blocks are read less exactly.

    Arguments:
        outlooks: Those of one run, by rising count; not empty.

    Returns:
        A count: the smallest that names 90 % at each error, or the largest if none does.
    """
    for row in outlooks:
        if all(prospect.named >= _NEARLY_ALL for prospect in row.prospects):
            return row.count
    return outlooks[-1].count


def _prospect(count: int, error: float, images: int, share: float, fdr: float) -> Prospect:
    p = memorized_p_values(count, error)
    return Prospect(
        error,
        named_share(p, share, fdr),
        smallest_named_share(p, images, fdr),
        _smallest_seen(p, memorized_closeness(count, error), images),
    )


def _smallest_seen(
    p: Float[np.ndarray, " D"], closeness: Float[np.ndarray, " D"], images: int
) -> float | None:
    """By the better of the two tests of a verdict, at its level."""
    found = smallest_share_by_exchange(closeness, images), smallest_share_by_best(p, images)
    return min((share for share in found if share is not None), default=None)


def named_share(p_value: Float[np.ndarray, " D"], share: float, fdr: float = 0.05) -> float:
    """The share of the memorized images that Benjamini and Hochberg's procedure names.

    The fixed point at the top of the module.

    Arguments:
        share: The share of all images that is memorized (s), in (0, 1].
        fdr: The false-discovery rate (q), in (0, 1).

    Returns:
        The share, in [0, 1]; high means memorized. Chance is 0.

    References:
        Genovese and Wasserman (2002), "Operating characteristics and extensions of the false
        discovery rate procedure".
    """
    reached = np.arange(1, len(p_value) + 1) / len(p_value)
    passes = p_value <= fdr * (share * reached + (1 - share) * p_value)
    return float(reached[passes].max(initial=0.0))


def weakest_error(count: int, images: int, fdr: float = 0.05) -> float | None:
    """The largest error at which one memorized image among `images` is named, in half of the runs.

    It stands alone, so it is named when p <= q / n.
    """

    def shortfall(error: float) -> float:
        p = memorized_p_values(count, error)
        return float(np.log(p[(len(p) - 1) // 2] * images / fdr))

    if shortfall(_STRONGEST) > 0:
        return None
    if shortfall(_FAINTEST) <= 0:
        return _FAINTEST
    return float(optimize.brentq(shortfall, _STRONGEST, _FAINTEST, xtol=1e-3))


def _require(images: int, share: float, fdr: float) -> None:
    if images < 1:
        raise BadInput(f"images is {images}. A run needs at least one image.")
    for name, rate in {"share": share, "fdr": fdr}.items():
        if not 0 < rate <= 1:
            raise BadInput(f"{name} is {rate}. It must be above 0 and at most 1.")
    if share * images < 1 - 1e-9:
        raise BadInput(
            f"A share of {share:g} of {images} images is less than one image. "
            f"Use a share of at least {1 / images:.2g}."
        )
