"""Can two sets of images be told apart without any model? A test of the control.

Ridge regression of the labels in a Gaussian kernel, cross-fitted:

.. math:: f_F = -G_{FF}^{-1} G_{F \\bar F}\\, y_{\\bar F}, \\qquad G = (K + \\lambda I)^{-1}

are the scores of a fold F by a fit to all others, so :math:`f = H y` with one matrix H for all
labels. That makes it cheap to fit again to every permutation of the labels. The area of the scores
(AUC) is compared with those of the permutations, which is exact: under the hypothesis that the
sides are two halves of one set, all assignments of the labels are alike. Several families of
features are tested together by the largest of their standardized areas (max-T over the same
permutations), so their number costs no false alarms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool, Float

from solidmark.errors import EmptyTable
from solidmark.late import stats
from solidmark.scores.groups import Estimate
from solidmark.scores.roc import roc

PERMUTATIONS = 999
"""Refits to permuted labels; the smallest p-value is 1 / 1,000."""

FOLDS = 5
REPEATS = 4
"""Partitions into folds whose scores are averaged: one alone adds noise of its own."""

RIDGE = 0.1
"""The ridge, in mean eigenvalues of the kernel. Of .03, .1 and .3 no one was clearly better."""

LEAST = 6
"""Fewer images a side than this give no permutation test at the levels of interest: 2 x 5 labels
have 252 arrangements, and a p-value of at least .004."""

_TIE = 1e-9
"""Standardized areas so near are equal: products of matrices are rounded to about 1e-13."""

Rows = Float[np.ndarray, "N D"]


@dataclass(frozen=True)
class Told:
    """How well two sets of images are told apart.

    Arguments:
        family: The family of features that tells most.
        auc: Its cross-fitted area, with the 95 % interval of a bootstrap of the images (the
            classifier as it is), and the p-value of all families together.
        areas: The area of each family.
        score: The score of each image by that family: high = like the first set.
        permutations: How many permutations the p-value rests on.
    """

    family: str
    auc: Estimate
    areas: Mapping[str, float]
    score: Float[np.ndarray, " N"] = field(repr=False)
    permutations: int = PERMUTATIONS


def tell_apart(
    families: Mapping[str, Rows],
    first: Bool[np.ndarray, " N"],
    *,
    seed: int = 0,
    permutations: int = PERMUTATIONS,
) -> Told:
    """Tests whether two sets can be told apart.

    Each row must be an image (or a group of copies) of its own: rows that came to a side together
    are no independent evidence.

    Arguments:
        families: Features by the name of their family, with shape (N, D); not NaN.
        first: Which rows are of the first set.
        seed: Of folds, permutations and bootstrap.
        permutations: How often the labels are permuted.

    Returns:
        The family that tells most, its area, and the p-value of the best of all families.

    Raises:
        EmptyTable: When a side has fewer than `LEAST` rows.

    References:
        Lopez-Paz and Oquab (2017), "Revisiting classifier two-sample tests". Westfall and Young
        (1993) for max-T.

    Example:
        >>> rng = np.random.default_rng(0)
        >>> rows = rng.normal(size=(80, 3)) + 2.0 * (np.arange(80) < 40)[:, None]
        >>> told = tell_apart({"size": rows}, np.arange(80) < 40)
        >>> told.auc.value > 0.95, told.auc.p_value
        (True, 0.001)
    """
    n, m = int(first.sum()), int((~first).sum())
    if min(n, m) < LEAST:
        raise EmptyTable(
            f"{n} and {m} images are too few to tell apart: {LEAST} a side are needed."
        )
    rng = np.random.default_rng(seed)
    labels = np.stack([first, *(rng.permutation(first) for _ in range(permutations))], axis=1)
    centred = labels - first.mean()
    scores: dict[str, Float[np.ndarray, " N"]] = {}
    areas: list[Float[np.ndarray, " B"]] = []
    for name, rows in families.items():
        found = smoother(gaussian_kernel(rows), rng) @ centred
        scores[name] = found[:, 0].copy()
        areas.append(areas_of(found, labels))
    standardized = np.stack([_standardized(one) for one in areas])
    best = int(standardized[:, 0].argmax())
    largest = standardized.max(axis=0)
    p_value = float((largest >= largest[0] - _TIE).mean())
    names = list(families)
    score = scores[names[best]]
    # The bootstrap of `roc` counts low scores as those of its first side.
    area = roc(-score[first], -score[~first], fprs=(), seed=seed).auc
    estimate = Estimate(area.value, area.ci_low, area.ci_high, p_value)
    every = {name: float(one[0]) for name, one in zip(names, areas, strict=True)}
    return Told(names[best], estimate, every, score, permutations)


def normal_scores(rows: Rows) -> Rows:
    """The columns as normal scores of their ranks, so that no unit and no outlier counts more.

    Columns that are the same for all rows are left out; it looks at both sides together.
    """
    ranks = stats.rankdata(rows, axis=0)
    scores: Rows = stats.norm.ppf((ranks - 0.5) / len(rows))
    spread = scores.std(axis=0)
    kept = spread > 1e-9
    return scores[:, kept] / spread[kept]


def gaussian_kernel(rows: Rows) -> Float[np.ndarray, "N N"]:
    """The Gaussian kernel whose width is the median distance, centred."""
    squares = (rows**2).sum(axis=1)
    apart = np.maximum(squares[:, None] + squares[None] - 2 * rows @ rows.T, 0.0)
    median = float(np.median(apart[np.triu_indices(len(rows), 1)]))
    kernel = np.exp(-apart / median) if median > 0 else np.exp(-(apart > 0).astype(np.float64))
    means = kernel.mean(axis=0)
    centred: Float[np.ndarray, "N N"] = kernel - means[None] - means[:, None] + means.mean()
    return centred


def smoother(
    kernel: Float[np.ndarray, "N N"], rng: np.random.Generator
) -> Float[np.ndarray, "N N"]:
    """The matrix that takes centred labels to cross-fitted scores.

    Arguments:
        rng: Draws the folds, which do not hang on the labels.
    """
    count = len(kernel)
    ridge = RIDGE * max(float(np.trace(kernel)) / count, 1e-12)
    inverse = np.linalg.inv(kernel + ridge * np.eye(count))
    found = np.zeros((count, count))
    for _ in range(REPEATS):
        for fold in np.array_split(rng.permutation(count), min(FOLDS, count)):
            part = -np.linalg.solve(inverse[np.ix_(fold, fold)], inverse[fold])
            part[:, fold] = 0.0  # Exactly so by the formula; here without rounding.
            found[fold] += part / REPEATS
    return found


def single_areas(rows: Rows, first: Bool[np.ndarray, " N"]) -> Float[np.ndarray, " D"]:
    """The area of each column by itself: 0.5 = tells nothing, above = the first set has more."""
    labels = np.broadcast_to(first[:, None], rows.shape)
    return areas_of(rows, labels)


def extremes(
    score: Float[np.ndarray, " N"], first: Bool[np.ndarray, " N"], most: int
) -> tuple[Sequence[int], Sequence[int]]:
    """The rows of each side that are most like their own side, the most telling first."""
    order = np.argsort(-score, kind="stable")
    own = [int(n) for n in order if first[n]][:most]
    other = [int(n) for n in order[::-1] if not first[n]][:most]
    return own, other


def areas_of(
    scores: Float[np.ndarray, "N B"], first: Bool[np.ndarray, "N B"]
) -> Float[np.ndarray, " B"]:
    """Mann and Whitney's area, a column each.

    Arguments:
        scores: With shape (N, B); high = of the first set.
        first: Which rows are of the first set, a column each.
    """
    ranks = stats.rankdata(scores, axis=0)
    n = first.sum(axis=0)
    found: Float[np.ndarray, " B"] = ((ranks * first).sum(axis=0) - n * (n + 1) / 2) / (
        n * (len(first) - n)
    )
    return found


def _standardized(areas: Float[np.ndarray, " B"]) -> Float[np.ndarray, " B"]:
    """In standard deviations of all arrangements, the one that is there among them."""
    spread = float(areas.std())
    return (areas - areas.mean()) / spread if spread > 0 else np.zeros_like(areas)
