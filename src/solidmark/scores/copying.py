"""C_T: are generations closer to the training images than fresh images are?

.. math:: Z_U = \\frac{U - n m / 2}{\\sqrt{n m (n + m + 1) / 12}}, \\quad
    U = \\#\\{(i, j) : d(g_i) > d(h_j)\\}

.. math:: C_T = \\sum_\\pi P_m(\\pi) Z_U(\\pi) \\Big/ \\sum_\\pi P_m(\\pi)

d is the distance to the nearest training image, g are n generations, h are m held-out images, and
P_m is the share of the held-out images in the cell. Below 0 is copying, above 0 underfitting. The
cells matter: a model that draws too much from where images lie far apart looks innocent as a
whole, though it copies in every cell. The average is over cells that both sides have enough of.
"""

import numpy as np
from jaxtyping import Float, Int

from solidmark.errors import BadInput, EmptyTable
from solidmark.late import stats
from solidmark.runs import Figure
from solidmark.scores.groups import Estimate, writable
from solidmark.scores.rows import figure_of, side
from solidmark.scores.written import at_least

CELLS = 10
"""How many cells the training set is cut into."""

LEAST = 20
"""How many generations a cell needs to count: the paper's tau = 20 / n."""


def mann_whitney_z(distance: Float[np.ndarray, " n"], held_out: Float[np.ndarray, " m"]) -> float:
    """Mann and Whitney's U in standard deviations from its mean, with the variance of ties.

    Returns:
        Z, about N(0, 1) where both are of one law; below 0 when the first are closer; 0 when all
        distances are the same.

    Example:
        >>> round(mann_whitney_z(np.array([1.0, 2.0]), np.array([3.0, 4.0])), 3)
        -1.549
    """
    n, m = len(distance), len(held_out)
    both = np.concatenate([distance, held_out])
    ranks = stats.rankdata(both)
    _, ties = np.unique(both, return_counts=True)
    ties = ties.astype(float)
    excess = ties.dot(ties**2 - 1) / ((n + m) * (n + m - 1))
    variance = n * m / 12 * (n + m + 1 - excess)
    if variance <= 0:
        return 0.0
    return float((ranks[:n].sum() - n * (n + 1) / 2 - n * m / 2) / np.sqrt(variance))


def c_t(
    distance: Float[np.ndarray, " N"],
    held_out: Float[np.ndarray, " M"],
    cells: Int[np.ndarray, " N"] | None = None,
    held_out_cells: Int[np.ndarray, " M"] | None = None,
    *,
    measure: str,
    least: int = LEAST,
    split: str = "generated_vs_null",
) -> Figure:
    """Tests for copying, over all rows at once or within cells.

    Within a cell the distances are still those to the nearest of ALL training images. (The
    authors' code looks within the cell alone.)

    Arguments:
        distance: The distances of the generations to the nearest training image, with shape (N);
            NaN for one that failed.
        held_out: Those of the held-out images, with shape (M).
        cells: The cell of each generation, as `cells_of` makes them; None for one cell.
        held_out_cells: The cell of each held-out image.
        measure: The name of the distance.
        least: How many generations a cell needs to count.
        split: What the comparison is called.

    Returns:
        A figure `ct`: C_T in standard deviations (chance 0; low means copying) and the p-value of
        so low a one. Given the cells, the Z of each are independent and about N(0, 1), so at chance
        C_T has the spread sqrt(sum P^2) / sum P, which it holds as `spread`. There is no interval:
        as an effect with one, read the area (`auc`).

    Raises:
        BadInput: When only one side has cells.
        EmptyTable: When one side has no row.

    References:
        Meehan, Chaudhuri and Dasgupta (2020), "A non-parametric test to detect data-copying in
        generative models". The p-value over cells and the variance of ties are ours.

    Example:
        >>> copies, fresh = np.full(40, 0.01), np.linspace(0.2, 0.9, 40)
        >>> found = c_t(copies, fresh, measure="l2")
        >>> print(f"{found.value:.1f} {found.p_value:.0e}")
        -8.2 9e-17
    """
    if (cells is None) != (held_out_cells is None):
        raise BadInput("Only one side has cells. Give the cells of both, or of neither.")
    scored, fresh = ~np.isnan(distance), ~np.isnan(held_out)
    if not (scored.any() and fresh.any()):
        raise EmptyTable(f'"{measure}" has no distance of one of the two sides. C_T needs both.')
    places, fresh_places = np.zeros(len(scored), int), np.zeros(len(fresh), int)
    if cells is not None and held_out_cells is not None:
        places, fresh_places = cells, held_out_cells
    whole = cells is None
    z, share = [], []
    for cell in np.unique(fresh_places[fresh]):
        own = distance[scored & (places == cell)]
        null = held_out[fresh & (fresh_places == cell)]
        if len(own) >= (1 if whole else least):
            z.append(mann_whitney_z(own, null))
            share.append(len(null) / fresh.sum())
    estimate, spread = Estimate(note=f"No cell has {least} generations and a held-out image."), None
    if z:
        spread = float(np.linalg.norm(share) / np.sum(share))
        value = float(np.average(z, weights=share))
        note = (
            f"{len(z)} cells, with {at_least(float(np.sum(share)))} of the held-out images; "
            f"cells with fewer than {least} generations do not count."
        )
        p = writable(stats.norm.cdf(value / spread))
        estimate = Estimate(value, p_value=p, note=None if whole else note)
    return figure_of(
        side(measure, split, "low", np.concatenate([distance, held_out])),
        "ct",
        "standard deviations",
        estimate,
        0.0,
        direction="low",
        facts={"cells": len(z), "spread": spread},
    )


def cells_of(
    training: Float[np.ndarray, "T D"],
    *others: Float[np.ndarray, "N D"],
    count: int = CELLS,
    seed: int = 0,
) -> list[Int[np.ndarray, " N"]]:
    """Cuts the space into cells, by k-means on the training images alone.

    Arguments:
        training: The features of the training images, with shape (T, D).
        others: Those of the generations, of the held-out images, ..., with shape (N, D).
        count: How many cells; fewer when there are fewer training images.
        seed: Of the first centres.

    Returns:
        The cell of each row of each of the others, in 0 ... count - 1.

    References:
        Meehan et al. (2020); k-means++ (Arthur and Vassilvitskii, 2007).
    """
    from scipy.cluster.vq import kmeans2, vq

    points = np.asarray(training, dtype=np.float64)
    generator = np.random.default_rng(seed)
    centres, _ = kmeans2(points, min(count, len(points)), minit="++", seed=generator)
    return [vq(np.asarray(rows, dtype=np.float64), centres)[0].astype(np.int64) for rows in others]
