"""Trained against held-out images: how well does a score tell them apart?

.. math:: AUC = P(s_{trained} < s_{held\\,out}) + P(s_{trained} = s_{held\\,out}) / 2

Low scores mean memorized; the score is the p-value, which is uniform for every image whose key the
model does not know. Chance is 1/2 for the area, and the false-positive rate itself for
the detections at that rate.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from solidmark.errors import EmptyTable
from solidmark.late import stats
from solidmark.scores.groups import Estimate, Groups, clopper_pearson, group_codes, writable

FPRS = (0.01, 0.001)
"""The false-positive rates at which detections are reported."""

DRAWS = 2000
_CELLS_AT_ONCE = 2**20


@dataclass(frozen=True)
class Roc:
    """The area under the curve, and the detections at each false-positive rate."""

    auc: Estimate
    tpr_at_fpr: dict[float, Estimate]


@dataclass(frozen=True)
class _Sides:
    """Both sides as the curve needs them.

    Arguments:
        trained: The scores of the trained rows.
        held_out: The scores of the held-out rows, sorted.
        trained_codes: The key group of each trained row.
        held_out_codes: The key group of each held-out row, in the sorted order.
    """

    trained: Float[np.ndarray, " N"]
    held_out: Float[np.ndarray, " H"]
    trained_codes: Int[np.ndarray, " N"]
    held_out_codes: Int[np.ndarray, " H"]

    @cached_property
    def groups(self) -> tuple[int, int]:
        return int(self.trained_codes.max()) + 1, int(self.held_out_codes.max()) + 1

    @cached_property
    def reached(self) -> tuple[Int[np.ndarray, " N"], Int[np.ndarray, " N"]]:
        """How many held-out rows lie below each trained one, and how many not above it."""
        below, up_to = (
            np.searchsorted(self.held_out, self.trained, side=side) for side in ("left", "right")
        )
        return below, up_to

    @property
    def rows_are_independent(self) -> bool:
        return self.groups == (len(self.trained), len(self.held_out))


def roc(
    trained: Float[np.ndarray, " N"],
    held_out: Float[np.ndarray, " H"],
    trained_groups: Groups | None = None,
    held_out_groups: Groups | None = None,
    *,
    fprs: Sequence[float] = FPRS,
    seed: int = 0,
) -> Roc:
    """Compares the scores of trained and of held-out rows.

    The intervals are the 95 % percentiles of 2,000 bootstrap draws of key groups, each side by
    itself. Where all draws agree (a perfect separation), the interval is Clopper and Pearson's
    for as many trials as the smaller side has key groups, which bounds the variance of an area.
    The p-value of the area is Mann and Whitney's, of the mean scores of the key groups; that
    of the detections is exact (hypergeometric), and only given when no rows share a key.

    Arguments:
        trained: The scores of the trained rows, with shape (N); low means memorized.
        held_out: The scores of the held-out rows, with shape (H).
        trained_groups: Which trained rows share a key; None when none do.
        held_out_groups: The same for the held-out rows.
        fprs: The false-positive rates, in (0, 1). One is left out (None, with a note) when there
            are fewer than 1 / fpr held-out key groups: a rate that they cannot show.
        seed: Of the bootstrap.

    Returns:
        The area and the detections, in [0, 1]; high means memorized.

    Raises:
        EmptyTable: When one side has no row.

    References:
        Mann and Whitney (1947); Birnbaum and Klose (1957) for the bound; Carlini et al. (2022),
        "Membership inference attacks from first principles", for detections at low rates.

    Example:
        >>> roc(np.array([0.1, 0.2]), np.array([0.2, 0.4])).auc.value
        0.875
    """
    if len(trained) == 0 or len(held_out) == 0:
        raise EmptyTable("A ROC needs trained and held-out rows. One of the two sides is empty.")
    order = np.argsort(held_out, kind="stable")
    held_out_codes = group_codes(held_out_groups, len(held_out))[order]
    trained_codes = group_codes(trained_groups, len(trained))
    sides = _Sides(trained, held_out[order], trained_codes, held_out_codes)
    resolved = [fpr for fpr in fprs if sides.groups[1] * fpr >= 1 - 1e-9]
    ones = np.ones((1, len(trained))), np.ones((1, len(held_out)))
    values = _curve(sides, *ones, resolved)[:, 0]
    draws = _bootstrap(sides, resolved, np.random.default_rng(seed))
    auc = Estimate(
        round(float(values[0]), 12),  # A sum of weights: all pairs must be 1, not a bit less.
        *_interval(values[0], draws[0], min(sides.groups)),
        _mann_whitney(sides),
    )
    tpr = {fpr: _unresolved(fpr, sides.groups[1]) for fpr in fprs}
    for row, fpr in enumerate(resolved, start=1):
        tpr[fpr] = _detections(sides, fpr, float(values[row]), draws[row])
    return Roc(auc, tpr)


def _curve(
    sides: _Sides,
    trained_weight: Float[np.ndarray, "D N"],
    held_out_weight: Float[np.ndarray, "D H"],
    fprs: Sequence[float],
) -> Float[np.ndarray, "S D"]:
    """The area and the detections at each rate, for D weightings of the rows at once."""
    below, up_to = sides.reached
    cumulative = np.pad(np.cumsum(held_out_weight, axis=1), ((0, 0), (1, 0)))
    # Per trained row, the share of held-out weight that a threshold at its score lets in.
    strict, with_ties = cumulative[:, below], cumulative[:, up_to]
    total = cumulative[:, -1:]
    weight = trained_weight / trained_weight.sum(axis=1, keepdims=True)
    rows = [(weight * (1 - (strict + with_ties) / (2 * total))).sum(axis=1)]
    rows += [(weight * (with_ties <= fpr * total + 1e-9)).sum(axis=1) for fpr in fprs]
    return np.clip(np.stack(rows), 0.0, 1.0)


def _bootstrap(
    sides: _Sides, fprs: Sequence[float], generator: np.random.Generator
) -> Float[np.ndarray, "S D"]:
    """The curve of 2,000 draws of key groups with replacement, each side by itself."""
    at_once = max(1, _CELLS_AT_ONCE // (len(sides.trained) + len(sides.held_out)))
    parts = []
    for first in range(0, DRAWS, at_once):
        count = min(at_once, DRAWS - first)
        trained, held_out = (_draw(groups, count, generator) for groups in sides.groups)
        weights = trained[:, sides.trained_codes], held_out[:, sides.held_out_codes]
        parts.append(_curve(sides, *weights, fprs))
    return np.concatenate(parts, axis=1)


def _draw(groups: int, count: int, generator: np.random.Generator) -> Float[np.ndarray, "D G"]:
    """How often each group is drawn, in `count` draws of as many groups as there are."""
    drawn = generator.integers(groups, size=(count, groups))
    drawn += groups * np.arange(count)[:, None]
    return np.bincount(drawn.ravel(), minlength=count * groups).reshape(count, groups).astype(float)


def _interval(value: float, draws: Float[np.ndarray, " D"], trials: int) -> tuple[float, float]:
    if np.ptp(draws) < 1e-12:
        return clopper_pearson(float(value) * trials, trials)
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _mann_whitney(sides: _Sides) -> float:
    """The one-sided p-value, with one value a key group: rows of one group are not independent."""
    trained = np.bincount(sides.trained_codes, sides.trained) / np.bincount(sides.trained_codes)
    held_out = np.bincount(sides.held_out_codes, sides.held_out) / np.bincount(sides.held_out_codes)
    if np.ptp(np.concatenate([trained, held_out])) == 0:
        return 1.0
    return writable(stats.mannwhitneyu(trained, held_out, alternative="less").pvalue)


def _detections(
    sides: _Sides, fpr: float, value: float, draws: Float[np.ndarray, " D"]
) -> Estimate:
    low, high = _interval(value, draws, sides.groups[0])
    if not sides.rows_are_independent:
        return Estimate(value, low, high, note="No p-value: rows share keys.")
    return Estimate(value, low, high, _detection_p(sides, fpr, value))


def _detection_p(sides: _Sides, fpr: float, value: float) -> float:
    """The chance of as many detections, if trained and held-out rows are one population.

    At least T trained rows lie below the (a + 1)-th held-out row exactly when the T + a lowest
    rows of all hold at most a held-out rows; a is the number of false positives allowed.
    """
    n, h = len(sides.trained), len(sides.held_out)
    detected, allowed = round(value * n), int(fpr * h + 1e-9)
    if detected == 0:
        return 1.0
    return writable(stats.hypergeom.cdf(allowed, n + h, h, detected + allowed))


def _unresolved(fpr: float, groups: int) -> Estimate:
    needed = int(np.ceil(1 / fpr - 1e-9))
    return Estimate(
        note=f"A false-positive rate of {fpr:g} needs {needed:,} held-out images with keys of "
        f"their own; there are {groups:,}."
    )
