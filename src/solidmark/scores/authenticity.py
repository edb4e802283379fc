"""Authenticity: is a generation further from a training image than that one's own neighbour?

.. math:: A_j = 1[d(g_j, x_{i^*}) > d(x_{i^*}, X \\setminus x_{i^*})], \\quad
    i^* = \\arg\\min_i d(g_j, x_i)

AuthPct is the mean of A. A fresh image of the same law is one of T + 1 exchangeable points, and A
is 0 for it exactly when it and its nearest are each other's nearest. So chance is the share of
points that are not in such a pair: 1/3 on a line, 0.38 in a plane, and near 1/2 in many dimensions
(Pickard, 1982), for data without clusters. It is not assumed here but measured, on held-out images
or else on the training images, each against the others.

A training image with a near-duplicate has a neighbour so near that a copy of it passes for
authentic, and duplicates are what is memorized first: take them out before.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from solidmark.errors import BadInput, EmptyTable
from solidmark.late import stats
from solidmark.runs import Figure
from solidmark.scores.groups import Estimate, clopper_pearson, writable
from solidmark.scores.rows import figure_of, side


@dataclass(frozen=True)
class Nearest:
    """The nearest training image of each row.

    Arguments:
        distance: How far it is, with shape (N), low = close; NaN for a row that failed.
        place: Which it is among the training images, with shape (N).
    """

    distance: Float[np.ndarray, " N"]
    place: Int[np.ndarray, " N"]


def authpct(
    generated: Nearest,
    training: Nearest,
    held_out: Nearest | None = None,
    *,
    measure: str,
    split: str = "generated",
) -> Figure:
    """The share of authentic generations, beside that of images that nobody copied.

    Arguments:
        generated: The nearest training image of each generation.
        training: The nearest OTHER training image of each training image.
        held_out: The nearest training image of each held-out image; None when there are none.
        measure: The name of the distance.
        split: What the generations are called.

    Returns:
        A figure `authpct`: the share, in [0, 1], low means memorized, with Clopper and Pearson's
        interval; `chance`; and, with held-out images, Fisher's one-sided p-value of a share so
        low: given the training set, generations and held-out images are independent draws.

    Raises:
        BadInput: When a nearest image is not among the training images.
        EmptyTable: When no generation was scored.

    References:
        Alaa et al. (2022), "How faithful is your synthetic data?"; Stein et al. (2023)
        for the name. Chance and p-value are ours.

    Example:
        >>> line = Nearest(np.array([1.0, 1.0, 2.0]), np.array([1, 0, 1]))  # 0, 1 and 3
        >>> drawn = Nearest(np.array([0.01, 1.5]), np.array([0, 0]))  # 0.01 and -1.5
        >>> authpct(drawn, line, measure="l2").value
        0.5
    """
    of = side(measure, split, "low", generated.distance)
    if of.n == 0:
        raise EmptyTable(f'No row of "{split}" has a distance by "{measure}".')
    found = authentic(generated, training)
    count = int(found.sum())
    p = None
    if held_out is not None and len(fresh := authentic(held_out, training)):
        everyone = count + int(fresh.sum())
        p = writable(stats.hypergeom.cdf(count, of.n + len(fresh), everyone, of.n))
        note = f"Chance is the share of {len(fresh):,} held-out images."
    else:
        fresh = _one_left_out(training)
        note = (
            f"Chance is the share of the {len(fresh):,} training images, each against the others; "
            "a p-value needs held-out images."
        )
    chance = float(fresh.mean()) if len(fresh) else None
    estimate = Estimate(count / of.n, *clopper_pearson(count, of.n), p, note)
    return figure_of(of, "authpct", "share", estimate, chance, direction="low", count=count)


def authentic(rows: Nearest, training: Nearest) -> Bool[np.ndarray, " n"]:
    """Whether each row that was scored is further from its nearest than that one's own nearest.

    Raises:
        BadInput: When a nearest image is not among the training images.
    """
    scored = ~np.isnan(rows.distance)
    nearest = rows.place[scored]
    if len(nearest) and not 0 <= nearest.min() <= nearest.max() < len(training.distance):
        raise BadInput(
            f"A nearest image is number {nearest.min() if nearest.min() < 0 else nearest.max()}, "
            f"and there are {len(training.distance):,} training images. "
            "Use neighbours of the same training set."
        )
    return np.asarray(rows.distance[scored] > training.distance[nearest])


def _one_left_out(training: Nearest) -> Bool[np.ndarray, " n"]:
    """Whether each training image would be authentic, were it not of the training set.

    Its nearest then has another nearest, further away, if it was that itself: it is not authentic.
    """
    own = np.arange(len(training.distance))
    mutual = training.place[training.place] == own
    further = training.distance > training.distance[training.place]
    return np.asarray((further & ~mutual)[~np.isnan(training.distance)])
