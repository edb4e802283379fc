"""MiFID: the Frechet distance of generations and training images, with a fine for copying.

.. math:: MiFID = \\frac{FID}{s + \\epsilon} \\text{ if } s < \\tau, \\text{ else } FID, \\qquad
    s = \\frac{1}{N} \\sum_j \\min_i \\left(1 - \\frac{|g_j \\cdot x_i|}{|g_j| |x_i|}\\right)

.. math:: FID = |\\mu_g - \\mu_x|^2 + tr(\\Sigma_g + \\Sigma_x - 2 (\\Sigma_g \\Sigma_x)^{1/2})

It ranks generators: low is good. As evidence of memorization read s, the memorization distance,
beside that of held-out images. FID is biased upwards when there are few images (about D / N of it
is noise; Chong and Forsyth, 2020): compare only runs with the same features and the same numbers.
"""

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput, EmptyTable
from solidmark.runs import Figure
from solidmark.scores.groups import Estimate
from solidmark.scores.rows import figure_of, side

TAU = 0.1
"""The threshold of the competition, for Inception features; others need one of their own."""

_EPSILON = 1e-15
_ROUNDING = 1e-9
_CELLS_AT_ONCE = 2**22


def mifid(
    generated: Float[np.ndarray, "N D"],
    training: Float[np.ndarray, "T D"],
    held_out: Float[np.ndarray, "M D"] | None = None,
    *,
    measure: str,
    tau: float = TAU,
    split: str = "generated",
) -> Figure:
    """Scores generations by quality, with a fine for copying.

    Arguments:
        generated: The features of the generations, with shape (N, D); a row of NaN failed.
        training: Those of the training images, with shape (T, D).
        held_out: Those of held-out images, with shape (M, D), which give chance.
        measure: The name of the embedder.
        tau: Below this memorization distance there is a fine.
        split: What the generations are called.

    Returns:
        A figure `mifid`, in the squared unit of the features: high is poor, or copied. With `fid`,
        `memorization_distance` (in [0, 1], low means memorized), `chance_memorization_distance` and
        `tau`. No interval: a bootstrap resamples copies, and both terms are biased by these.

    Raises:
        EmptyTable: When one side has fewer than two images.
        BadInput: When the features have different lengths.

    References:
        Bai et al. (2021), "On training sample memorization: lessons from benchmarking generative
        modeling with a large-scale competition"; Heusel et al. (2017) for FID.
    """
    own, real = _scored(generated), _scored(training)
    fresh = None if held_out is None else _scored(held_out)
    for name, rows in (("generated", own), ("training", real), ("held-out", fresh)):
        if rows is None:
            continue
        if len(rows) < 2:
            raise EmptyTable(f"MiFID needs two {name} images at least; {len(rows)} have features.")
        if rows.shape[1] != real.shape[1]:
            raise BadInput(
                f"The {name} features have {rows.shape[1]} numbers, those of the training images "
                f"{real.shape[1]}. Use one embedder."
            )
    fid, s = frechet_distance(own, real), memorization_distance(own, real).mean()
    value: float | None = _fined(fid, s, tau)
    chance = chance_s = None
    if fresh is not None:
        chance_s = float(memorization_distance(fresh, real).mean())
        chance = _fined(frechet_distance(fresh, real), chance_s, tau)
    notes = [
        f"FID of {len(own):,} and {len(real):,} images is biased upwards: compare equal numbers."
    ]
    if fid <= _ROUNDING * _spread(real):
        value = None
        notes.append("FID is 0: the generations are the training set itself, and the fine 0 / 0.")
    if fresh is not None and len(fresh) != len(own):
        notes.append(f"Chance is of {len(fresh):,} held-out images.")
    of = side(measure, split, "low", np.where(np.isnan(generated).any(axis=1), np.nan, 0.0))
    return figure_of(
        of,
        "mifid",
        "squared features",
        Estimate(value, note=" ".join(notes)),
        chance,
        facts={
            "fid": fid,
            "memorization_distance": s,
            "chance_memorization_distance": chance_s,
            "tau": tau,
        },
    )


def frechet_distance(first: Float[np.ndarray, "N D"], second: Float[np.ndarray, "M D"]) -> float:
    """The squared Frechet distance of two Gaussians with the moments of two sets of features.

    With `Sigma = F^T F`, the trace of the root of `Sigma_1 Sigma_2` is the sum of the singular
    values of `F_1 F_2^T`: no root of a matrix that is not symmetric, and no more rows than images.

    Arguments:
        first: Features, with shape (N, D).
        second: Features, with shape (M, D).

    Returns:
        The distance, 0 or more.

    References:
        Frechet (1957); Dowson and Landau (1982); FID (Heusel et al., 2017).

    Example:
        >>> points = np.array([[0.0], [2.0]])
        >>> round(frechet_distance(points, points + 3), 6)
        9.0
    """
    apart = ((first.mean(axis=0) - second.mean(axis=0)) ** 2).sum()
    both = _factor(first) @ _factor(second).T
    shared = np.linalg.svd(both, compute_uv=False).sum()
    return max(0.0, float(apart + _spread(first) + _spread(second) - 2 * shared))


def memorization_distance(
    generated: Float[np.ndarray, "N D"], training: Float[np.ndarray, "T D"]
) -> Float[np.ndarray, " N"]:
    """The smallest cosine distance of each row to a training image, by the angle of two lines.

    Returns:
        One minus the largest absolute cosine, with shape (N), in [0, 1]; low means memorized. A
        row of zeros has no angle, and counts as far (1).
    """
    own, real = _directions(generated), _directions(training)
    coarse = real.astype(np.float32)
    at_once = max(1, _CELLS_AT_ONCE // len(real))
    found = []
    for first in range(0, len(own), at_once):
        rows = own[first : first + at_once]
        nearest = np.abs(rows.astype(np.float32) @ coarse.T).argmax(axis=1)
        found.append(np.abs((rows * real[nearest]).sum(axis=1)))
    return np.asarray(np.clip(1 - np.concatenate(found), 0.0, 1.0))


def _fined(fid: float, s: float, tau: float) -> float:
    return fid / (s + _EPSILON) if s < tau else fid


def _scored(rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "n D"]:
    values = np.asarray(rows, dtype=np.float64)
    return values[~np.isnan(values).any(axis=1)]


def _directions(rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, length, out=np.zeros(rows.shape), where=length > 0)


def _centred(rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "N D"]:
    return (rows - rows.mean(axis=0)) / np.sqrt(len(rows) - 1)


def _spread(rows: Float[np.ndarray, "N D"]) -> float:
    return float((_centred(rows) ** 2).sum())


def _factor(rows: Float[np.ndarray, "N D"]) -> Float[np.ndarray, "R D"]:
    """F with the covariance F^T F, of as few rows as there can be."""
    return np.asarray(np.linalg.qr(_centred(rows), mode="r"))
