"""How close one set of images comes to another: the figures of one measure.

.. math:: n_t = \\#\\{i : d_i \\le t\\}

beside what as many held-out images give, which is chance. The same figures serve both questions:
how close are the generations to the training set (null: the held-out images to the training set),
and how close does a generation come to each training image (null: to each held-out image).

All intervals and p-values take the rows of a side for independent draws. Generations from seeds of
their own are; training images that are near-duplicates of one another are not. Where images have
groups, tests look at one picture of each subject, and names rest on `hierarchical`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.errors import BadInput, EmptyTable
from solidmark.late import stats
from solidmark.runs import Figure
from solidmark.scores.conformal import (
    images_needed,
    least_nameable,
    rank_at,
    realised_fpr_interval,
)
from solidmark.scores.discovery import q_values
from solidmark.scores.groups import Estimate, writable
from solidmark.scores.hierarchical import Named, picture_p_values, subject_p_values
from solidmark.scores.percentiles import DRAWS, PERCENTILES, Direction, percentile_of
from solidmark.scores.roc import Roc, roc
from solidmark.scores.rows import Side, figure_of, side
from solidmark.scores.within import calibrated_limits, fixed_limits, within
from solidmark.scores.written import at_most, percents

GENERATED = ("generated", "null", "generated_vs_null")
"""The splits of the question how close the generations are to the training set."""

TRAINED = ("trained", "held_out", "trained_vs_held_out")
"""The splits of the question which training images come back."""

_CELLS_AT_ONCE = 2**20
_SAME = 1e-6
_ALONE = "One threshold alone does not show where the mass lies: ask for several."
_NO_NULL = "Without held-out images it is not known what chance gives."
_SHARED = "No interval: pictures share subjects."
_EACH = "The test looks at one picture of each subject."
_EXTREME = "An extreme has no interval: no resample of the rows holds one closer than the closest."


def closeness(
    distance: Float[np.ndarray, " N"],
    null: Float[np.ndarray, " m"] | None = None,
    *,
    measure: str,
    direction: Direction,
    thresholds: Sequence[float],
    fprs: Sequence[float] = (0.01,),
    fdr: float = 0.05,
    seed: int = 0,
    splits: tuple[str, str, str] = GENERATED,
    groups: tuple[Named, Named] = (None, None),
) -> list[Figure]:
    """Makes the figures of the distances of one measure.

    Arguments:
        distance: The distances, with shape (N), low = close; NaN for one that failed.
        null: Those of the held-out images, with shape (m); None when there are none. Without them
            there is no chance level, no calibrated threshold and no p-value.
        measure: Its name.
        direction: Which side is close on the scale that is reported: "low" reports the distance,
            "high" the similarity, 1 - distance.
        thresholds: Fixed ones, on the scale that is reported: `fixed_thresholds`.
        fprs: The false-positive rates at which thresholds are calibrated on the null.
        fdr: The false-discovery rate at which rows are named.
        seed: Of the bootstrap.
        splits: The names of the side, of its null, and of their comparison.
        groups: The groups of the rows of both sides, where images have groups.

    Returns:
        The figures, as docs/formats.md describes them: `eidetic`, `percentile`, `closest` and
        `mean` of both sides, `threshold` of the null, `named`, `auc` and `tpr_at_fpr`; and
        `named_subjects` where several rows show one subject.

    Raises:
        BadInput: When there is neither a threshold nor a null to calibrate one on.
        EmptyTable: When no row was scored.

    References:
        SolidMark (Kriplani et al., 2025), section 3.2: several thresholds, never one, and never a
        percentile or an extreme alone.

    Example:
        >>> near, far = np.linspace(0.0, 0.9, 200), np.linspace(0.1, 1.0, 200)
        >>> rows = closeness(near, far, measure="l2", direction="low", thresholds=[0.05, 0.1])
        >>> rows[1].statistic, rows[1].threshold, rows[1].count, rows[1].chance
        ('eidetic', 0.1, 23, 0.005)
    """
    own = side(measure, splits[0], direction, distance, seed, groups[0])
    other = None if null is None else side(measure, splits[1], direction, null, seed, groups[1])
    if own.n == 0:
        raise EmptyTable(f'No row of "{own.split}" has a distance by "{measure}".')
    if other is not None and other.n == 0:
        other = None
    if other is None and not thresholds:
        raise BadInput(
            f'"{measure}" has neither thresholds nor held-out images to calibrate one on. '
            "Give thresholds, or held-out images."
        )
    rows = list(_eidetic_rows(own, other, thresholds, fprs))
    rows += _summary_rows(own, other)
    if other is None:
        return rows
    rows += [within(other, None, limit) for limit in fixed_limits(thresholds, direction)]
    rows += _summary_rows(other, None)
    rows += _threshold_rows(other, fprs)
    rows.append(named_row(own, other, fdr))
    rows += named_subjects(own, other, fdr)
    rows += roc_rows(own, other, splits[2], fprs)
    return rows


def _eidetic_rows(
    own: Side, other: Side | None, thresholds: Sequence[float], fprs: Sequence[float]
) -> Iterator[Figure]:
    limits = fixed_limits(thresholds, own.direction)
    if other is not None:
        limits += [limit for limit in calibrated_limits(other, fprs) if limit is not None]
    notes = [_ALONE] * (len(limits) == 1) + [_NO_NULL] * (other is None)
    for limit in limits:
        yield within(own, other, limit, " ".join(notes) or None)


def _summary_rows(of: Side, other: Side | None) -> Iterator[Figure]:
    """Percentiles, the closest and the mean; chance is the same of the null."""
    for percentile in PERCENTILES:
        closer = 1 - percentile / 100
        draws = of.generator(f"percentile {percentile}")
        estimate = percentile_of(of.distance, percentile, draws)
        if of.subject is not None:
            estimate = Estimate(estimate.value, note=_SHARED)
        chance = None if other is None else float(np.quantile(other.distance, closer))
        yield replace(_on_scale(of, "percentile", estimate, chance), percentile=percentile)
    closest = Estimate(float(of.distance[0]), p_value=_closest_p(of, other), note=_EXTREME)
    yield _on_scale(of, "closest", closest, None if other is None else float(other.distance[0]))
    mean = None if other is None else float(other.distance.mean())
    yield _on_scale(of, "mean", _mean(of), mean)


def _on_scale(of: Side, statistic: str, estimate: Estimate, chance: float | None) -> Figure:
    """A figure in the unit of the measure, of a distance and a distance by chance."""
    row = figure_of(of, statistic, of.unit, of.on_scale(estimate), direction=of.direction)
    return replace(row, chance=None if chance is None else of.reported(chance))


def _closest_p(own: Side, other: Side | None) -> float | None:
    """The chance that so few of the null come as close as the closest of n, if all are alike.

    At most j of them do exactly when the j + 1 closest of all n + m are not all of the null.
    """
    if other is None:
        return None
    own, other = own.of_subjects, other.of_subjects
    j = int(np.searchsorted(other.distance, own.distance[0], side="right"))
    if j == other.n:
        return 1.0
    return writable(stats.hypergeom.sf(0, own.n + other.n, own.n, j + 1))


def _mean(of: Side) -> Estimate:
    """The mean, with the 95 % percentile interval of 2,000 bootstrap samples."""
    generator = of.generator("mean")
    if of.subject is not None:
        return _mean_of_subjects(of, generator)
    at_once = max(1, _CELLS_AT_ONCE // of.n)
    means = []
    for first in range(0, DRAWS, at_once):
        shape = min(at_once, DRAWS - first), of.n
        drawn = generator.integers(of.n, size=shape, dtype=np.int32)
        means.append(of.distance[drawn].mean(axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Estimate(float(of.distance.mean()), float(low), float(high))


def _mean_of_subjects(of: Side, generator: np.random.Generator) -> Estimate:
    """The same with subjects drawn, all pictures of each together."""
    assert of.subject is not None
    sizes = np.bincount(of.subject).astype(float)
    sums = np.bincount(of.subject, of.distance)
    at_once = max(1, _CELLS_AT_ONCE // len(sizes))
    means = []
    for first in range(0, DRAWS, at_once):
        drawn = generator.integers(len(sizes), size=(min(at_once, DRAWS - first), len(sizes)))
        means.append(sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    low, high = np.quantile(np.concatenate(means), [0.025, 0.975])
    return Estimate(float(of.distance.mean()), float(low), float(high))


def _threshold_rows(other: Side, fprs: Sequence[float]) -> Iterator[Figure]:
    """The calibrated thresholds, on the scale that is reported: a row within it is close."""
    other = other.of_subjects
    for fpr, limit in zip(fprs, calibrated_limits(other, fprs), strict=True):
        if limit is None:
            needed = f"A false-positive rate of {fpr:g} needs {images_needed(fpr):,} images"
            estimate = Estimate(note=f"{needed} that were held out; there are {other.n:,}.")
        else:
            rank = rank_at(other.n, fpr)
            low, high = realised_fpr_interval(other.n, rank)
            note = (
                f"Of fresh images, {at_most(rank / (other.n + 1))} or fewer come within it on "
                f"average over held-out sets; for this set of {other.n:,}, between "
                f"{percents(low, high).replace(' to ', ' and ')} (95 %)."
            )
            if limit.distance < _SAME:
                note += (
                    f" {rank:,} held-out images or more are the same as an image of the other set, "
                    "so nothing can be closer: take out duplicates."
                )
            estimate = Estimate(limit.reported, note=note)
        row = figure_of(
            other, "threshold", other.unit, estimate, direction=other.direction, fpr=fpr
        )
        yield row


def named_row(own: Side, other: Side, fdr: float) -> Figure:
    """How many rows can be named. Their smallest q is Simes's test that there are none."""
    q = q_values(picture_p_values(own.distance, other.distance, other.subject))
    count = int((q <= fdr).sum())
    m = other.of_subjects.n
    least = least_nameable(own.n, m, fdr)
    what = "images" if other.subject is None else "subjects"
    note = (
        f"With {m:,} held-out {what} no p-value is below 1 in {m + 1:,}: at least "
        f"{least:,} of {own.n:,} must be closer than all of them before one can be named."
    )
    estimate = Estimate(count, p_value=writable(q.min()), note=note)
    expected = fdr * count
    return figure_of(own, "named", "rows", estimate, count=count, fdr=fdr, expected_false=expected)


def named_subjects(own: Side, other: Side, fdr: float) -> Iterator[Figure]:
    """How many subjects can be named, all pictures of each together; none where each has one."""
    if own.subject is None:
        return
    q = q_values(subject_p_values(own.distance, own.subject, other.distance, other.subject))
    count = int((q <= fdr).sum())
    estimate = Estimate(count, p_value=writable(q.min()), note=f"Of {own.n:,} pictures.")
    yield figure_of(
        *(own, "named_subjects", "subjects", estimate),
        n=len(q),
        count=count,
        fdr=fdr,
        expected_false=fdr * count,
    )


def roc_rows(own: Side, other: Side, split: str, fprs: Sequence[float]) -> Iterator[Figure]:
    """The area and the detections, of one picture of each subject where tests ask for that."""
    curve = _roc(own, other, fprs)
    both: dict[str, Any] = {"split": split, "n": own.n + other.n}
    both |= {"failed": own.failed + other.failed}
    yield figure_of(own, "auc", "area", curve.auc, 0.5, **both)
    for fpr, estimate in curve.tpr_at_fpr.items():
        yield figure_of(own, "tpr_at_fpr", "share", estimate, fpr, fpr=fpr, **both)


def _roc(own: Side, other: Side, fprs: Sequence[float]) -> Roc:
    one, each = own.of_subjects, other.of_subjects
    curve = roc(one.distance, each.distance, fprs=fprs, seed=own.seed)
    if own.subject is None and other.subject is None:
        return curve
    # All pictures say how large the area is, one of each subject whether that is luck.
    whole = roc(own.distance, other.distance, own.subject, other.subject, fprs=(), seed=own.seed)
    auc = replace(whole.auc, p_value=curve.auc.p_value, note=_EACH)
    detected = {
        fpr: replace(one, note=" ".join(note for note in (one.note, _EACH) if note))
        for fpr, one in curve.tpr_at_fpr.items()
    }
    return Roc(auc, detected)
