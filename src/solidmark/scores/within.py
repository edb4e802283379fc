"""Eidetic counts of distances: how many rows lie within a threshold, and how many by chance.

A threshold is fixed (a paper's), and chance is then the share of the null within it; or it is
calibrated on the null, and chance is then known beforehand: r / (m + 1) on average.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solidmark.late import stats
from solidmark.runs import Figure
from solidmark.scores.conformal import rank_at, realised_fpr_interval, threshold_at
from solidmark.scores.groups import Estimate, clopper_pearson, writable
from solidmark.scores.percentiles import Direction
from solidmark.scores.rows import Side, figure_of

_TIE = 1e-6
"""A row this close to a fixed threshold counts in: distances come of single precision."""


@dataclass(frozen=True)
class Limit:
    """A threshold, as a distance and as it is reported.

    Arguments:
        distance: A row counts when its distance is at most this.
        reported: The same on the scale that is reported: at most this, or at least this.
        fpr: The false-positive rate that was asked for; None for a fixed threshold.
        rank: Below which of the distances of the null it lies; None for a fixed threshold.
    """

    distance: float
    reported: float
    fpr: float | None = None
    rank: int | None = None


def fixed_limits(thresholds: Sequence[float], direction: Direction) -> list[Limit]:
    """Fixed thresholds on the scale that is reported, as limits."""
    distances = [float(t) if direction == "low" else 1 - float(t) for t in thresholds]
    return [Limit(d + _TIE, float(t)) for d, t in zip(distances, thresholds, strict=True)]


def calibrated_limits(null: Side, fprs: Sequence[float]) -> list[Limit | None]:
    """A limit at each false-positive rate, None where the null is too small for it.

    Of each subject one picture is looked at, so that the rate is that of a fresh subject's.
    """
    null = null.of_subjects
    limits: list[Limit | None] = []
    for fpr in fprs:
        t = threshold_at(null.distance, fpr)
        limits.append(
            None if t is None else Limit(t, _reported(t, null), fpr, rank_at(null.n, fpr))
        )
    return limits


def within(own: Side, null: Side | None, limit: Limit, note: str | None = None) -> Figure:
    """Counts the rows within a limit.

    The interval of the share is Clopper and Pearson's. The p-value is the chance of as many, or
    more, if the rows and the null are draws of one law, given how many there are of both: Fisher's
    for a fixed threshold. A calibrated one lies below the r-th distance of the null, and k rows are
    below that exactly when at most r - 1 of the null are among the k + r - 1 lowest of all. Where
    pictures share subjects, the test is of one picture of each, and the interval that of as many
    trials as the rows are worth.

    Arguments:
        own: The rows.
        null: What they are compared with; None when there is nothing.
        limit: The threshold.
        note: What to say of it.

    Returns:
        A figure `eidetic`: the share (high means memorized), `count` and `threshold`; `chance` with
        its own 95 % interval, `chance_low` and `chance_high`; the p-value.

    References:
        Carlini et al. (2023); Fisher (1922).
    """
    count = _count(own, limit)
    chance, chance_low, chance_high, p = None, None, None, None
    if null is not None:
        one, other = own.of_subjects, null.of_subjects
        counted, everyone = _count(one, limit), one.n + other.n
        if limit.rank is None:
            chance, (chance_low, chance_high) = _share(null, limit)
            hits = _count(other, limit)
            p = writable(stats.hypergeom.sf(counted - 1, everyone, counted + hits, one.n))
        else:
            lowest = counted + limit.rank - 1
            chance = limit.rank / (other.n + 1)
            chance_low, chance_high = realised_fpr_interval(other.n, limit.rank)
            p = writable(stats.hypergeom.cdf(limit.rank - 1, everyone, other.n, lowest))
    share, interval = _share(own, limit)
    estimate = Estimate(share, *interval, p, note)
    return figure_of(
        own,
        "eidetic",
        "share",
        estimate,
        chance,
        threshold=limit.reported,
        count=count,
        fpr=limit.fpr,
        facts={"chance_low": chance_low, "chance_high": chance_high},
    )


def _share(of: Side, limit: Limit) -> tuple[float, tuple[float, float]]:
    """The share of the rows within a limit, and its interval."""
    share = _count(of, limit) / of.n
    if of.subject is None:
        return share, clopper_pearson(_count(of, limit), of.n)
    return share, clopper_pearson(share * of.worth, of.worth)


def _count(of: Side, limit: Limit) -> int:
    return int(np.searchsorted(of.distance, limit.distance, side="right"))


def _reported(t: float, null: Side) -> float:
    """A calibrated threshold as it is reported, which 1 - t could round onto the tie above it."""
    if null.direction == "low":
        return t
    tie = 1 - float(np.nextafter(t, np.inf))
    return max(1 - t, float(np.nextafter(tie, np.inf)))


def calibrated_counts(figures: Sequence[Figure], own: Side, null: Side) -> tuple[Figure, ...]:
    """The counts within thresholds that were calibrated on the null.

    Where the null is too small for the rates that were asked for, it is the count of those that are
    closer than all of the null: the sharpest that it allows.

    Arguments:
        figures: The counts that were asked for.
        own: The rows.
        null: What they are compared with.
    """
    calibrated = tuple(one for one in figures if one.fpr)
    if calibrated or not own.n or not null.n:
        return calibrated
    limit = calibrated_limits(null, [1 / (null.of_subjects.n + 1)])[0]
    return () if limit is None else (within(own, null, limit),)


def rank_of(count: Figure, m: int) -> int:
    """Below which of the m distances of the null the threshold of a count lies."""
    return max(1, int(np.rint((count.chance or 0.0) * (m + 1))))
