"""Eidetic counts: how many images were recalled within delta, and what chance alone would give.

.. math:: n_\\delta = \\#\\{x : |k_x - \\hat k_x| \\le \\delta\\}
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from solidmark.errors import EmptyTable
from solidmark.scores.groups import Groups, clopper_pearson, effective_n, group_codes
from solidmark.scores.hits import Law, group_laws, hit_chance, sum_law, upper_tail
from solidmark.scores.null import TIE

DELTAS = (0.1, 0.05, 0.01, 0.005)
"""The thresholds of the paper."""

MEAN_OF = 4096
"""So many rows of several keys give the mean chance of all: 1 % of it, where rows are that many."""


@dataclass(frozen=True)
class EideticCount:
    """How many rows (or groups, for `any_key`) lie within delta.

    Arguments:
        delta: The threshold, in grey levels of [0, 1].
        share: The hits of all rows, in [0, 1]; high means memorized.
        chance: The share that keys independent of the model would give, from the estimates made.
        chance_uniform: The closed form for uniform estimates, one continuous key.
        chance_constant: The closed form for a constant mid-grey estimate, one continuous key.
        ci_low: The lower end of the 95 % interval of the share.
        p_value: The chance of a count at least as high if key and model are independent; None where
            it was not asked for.
    """

    delta: float
    n: int
    count: int
    share: float
    chance: float
    chance_uniform: float | None
    chance_constant: float | None
    ci_low: float
    ci_high: float
    p_value: float | None


def eidetic(
    distance: Float[np.ndarray, " N"],
    key_read: Float[np.ndarray, "N M"],
    key_groups: Groups | None = None,
    deltas: Sequence[float] = DELTAS,
    seed: int = 0,
    *,
    tested: bool = True,
) -> list[EideticCount]:
    """Counts the rows recalled within each threshold.

    The p-value is exact given the estimates: one key is drawn again for each key group. The
    interval is Clopper and Pearson's on rows when each has a key of its own; where rows share
    keys it is widened to the `effective_n` of the groups, as if the rows of a group agreed fully.

    Arguments:
        distance: The row distances, with shape (N), in [0, 1]; low means memorized.
        key_read: The estimates, with shape (N, M), in [0, 1].
        key_groups: Which rows share a key; None when none do.
        deltas: The thresholds, in the same unit. Several, since one hides where the mass lies.
        seed: For key groups of several rows with several keys, whose law is drawn.
        tested: Whether p-values are made, which takes a time that grows with the square of N.
            Without them `chance` is that of `MEAN_OF` rows where there are more.

    Returns:
        One count a threshold.

    Raises:
        EmptyTable: When there is nothing to count.

    References:
        SolidMark (Kriplani et al., 2025), Definitions 1-2. Chance and p-value are ours.

    Example:
        >>> read = np.array([[0.50], [0.25], [0.75]])
        >>> eidetic(np.array([0.00, 0.04, 0.30]), read, deltas=[0.05])[0].count
        2
    """
    _require_rows(distance)
    codes = group_codes(key_groups, len(distance))
    trials = effective_n(codes)
    counts = []
    for delta in deltas:
        chance = hit_chance(key_read if tested else _some(key_read), delta)
        laws = group_laws(key_read, chance, codes, delta, seed) if tested else None
        hits = int((distance <= delta + TIE).sum())
        counted = _count(delta, hits, len(distance), trials, float(chance.mean()), laws)
        counts.append(_with_closed_forms(counted) if key_read.shape[1] == 1 else counted)
    return counts


def any_key(
    distance: Float[np.ndarray, " N"],
    key_read: Float[np.ndarray, "N M"],
    key_groups: Groups,
    groups: Groups,
    deltas: Sequence[float] = DELTAS,
    seed: int = 0,
) -> list[EideticCount]:
    """Counts the duplicate groups of which any key is hit by any repeat.

    .. math:: P(\\text{hit}) = 1 - \\prod_{\\text{keys}} (1 - P(\\text{key hit by any repeat}))

    More keys and more repeats are more chances to hit, and the null law knows it. A published
    count without this rises with the number of duplicates by chance alone.

    Arguments:
        distance: The row distances, with shape (N), in [0, 1]; a row is one key and one estimate.
        key_read: The estimates, with shape (N, M), in [0, 1].
        key_groups: The key of each row; the keys of one group are independent of one another.
        groups: The duplicate group of each row; all rows of a key are in one group.
        deltas: The thresholds.
        seed: As for `eidetic`.

    Returns:
        One count a threshold; `n` is the number of groups.

    Raises:
        EmptyTable: When there is nothing to count.

    References:
        SolidMark (Kriplani et al., 2025), appendix F. The corrected null is ours.
    """
    _require_rows(distance)
    keys = group_codes(key_groups, len(distance))
    group_of_row = group_codes(groups, len(distance))
    group_of_key = np.zeros(keys.max() + 1, dtype=np.int64)
    group_of_key[keys] = group_of_row
    n = int(group_of_row.max()) + 1
    counts = []
    for delta in deltas:
        of_rows = hit_chance(key_read, delta)
        key_laws = group_laws(key_read, of_rows, keys, delta, seed)
        key_hit = [law[1:].sum() for law in key_laws]
        # In logarithms, so that a chance of 1e-20 is not lost beside 1.
        with np.errstate(divide="ignore"):
            log_miss = np.bincount(group_of_key, np.log1p(-np.minimum(key_hit, 1.0)), n)
        laws = [np.array([np.exp(miss), -np.expm1(miss)]) for miss in log_miss]
        hits = len(np.unique(group_of_row[distance <= delta + TIE]))
        counts.append(_count(delta, hits, n, n, -float(np.expm1(log_miss).mean()), laws))
    return counts


def chance_uniform(delta: float) -> float:
    """The chance of a hit for a uniform estimate and one continuous key: 2 delta - delta^2.

    Example:
        >>> round(chance_uniform(0.05), 6)
        0.0975
    """
    bounded = min(delta, 1.0)
    return 2 * bounded - bounded**2


def chance_constant(delta: float) -> float:
    """The chance of a hit for a constant mid-grey estimate and one continuous key: 2 delta."""
    return min(2 * delta, 1.0)


def _count(
    delta: float,
    hits: int,
    n: int,
    trials: float,
    chance: float,
    laws: Sequence[Law] | None,
) -> EideticCount:
    ci_low, ci_high = clopper_pearson(hits / n * trials, trials)
    return EideticCount(
        delta=float(delta),
        n=n,
        count=hits,
        share=hits / n,
        chance=chance,
        chance_uniform=None,
        chance_constant=None,
        ci_low=ci_low,
        ci_high=ci_high,
        p_value=None if laws is None else upper_tail(sum_law(laws), hits),
    )


def _with_closed_forms(count: EideticCount) -> EideticCount:
    uniform, constant = chance_uniform(count.delta), chance_constant(count.delta)
    return replace(count, chance_uniform=uniform, chance_constant=constant)


def _some(key_read: Float[np.ndarray, "N M"]) -> Float[np.ndarray, "S M"]:
    """Rows to take a mean chance of: all, or evenly spaced ones. One key a row costs nothing."""
    count, width = key_read.shape
    if count <= MEAN_OF or width == 1:
        return key_read
    return key_read[np.linspace(0, count - 1, MEAN_OF).astype(np.int64)]


def _require_rows(distance: np.ndarray) -> None:
    if len(distance) == 0:
        raise EmptyTable("There is no row to count. Score at least one image.")
