"""One figure from those of several seeds, and the differences of the arms, paired by seed."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import hypot, inf, sqrt

from solidmark.runs import Figure

CONFIDENCE = 0.95
BOUNDS = {
    **{"share": (0.0, 1.0), "area": (0.0, 1.0), "rank correlation": (-1.0, 1.0)},
    "percent": (-inf, 100.0),
}
"""The least and the most of a figure, by its unit."""

BY_ALL, BY_SEED = "all seeds", "seed"
"""How a figure was had: over all seeds, or at one."""


def over_seeds(figures: Sequence[Figure]) -> Figure:
    """The mean over the seeds, with an interval that covers how much seeds differ.

    The interval is Student's over the seeds. Where the seeds agree by luck, or are all at an end
    of the scale, that is too narrow; so it reaches at least as far as what is known within the
    seeds: Clopper and Pearson's of the pooled counts, or the mean half-width over the root of the
    number of seeds. Where all seeds have the same value and nothing is known within them, nothing
    is known of its spread, and there is no interval. Nothing leaves the range of its unit.

    Arguments:
        figures: One figure a seed, of one arm and one read-out; those without a value count as
            missing seeds.

    Returns:
        The mean, with the pooled `n`, and `seeds`, the number of seeds, among its facts.
    """
    known = [one for one in figures if one.value is not None]
    facts = _shared(figures) | {"seeds": len(known)}
    notes = {one.note for one in figures}  # What only one seed is told is no word on them all.
    note = notes.pop() if len(notes) == 1 else None
    base = replace(figures[0], by=BY_ALL, p_value=None, facts=facts, note=note)
    if not known:
        return replace(base, value=None, n=0, ci_low=None, ci_high=None)
    values = [float(one.value or 0) for one in known]
    mean = sum(values) / len(values)
    counts = [one.count for one in known if one.count is not None]
    n = [one.n for one in known if one.n is not None]
    chances = [one.chance for one in known if one.chance is not None]
    ends = [one for one in (_within(known), _between(values)) if one is not None]
    low, high = (min(e[0] for e in ends), max(e[1] for e in ends)) if ends else (None, None)
    if low == high:
        low, high = None, None
    if base.unit in BOUNDS and low is not None and high is not None:
        least, most = BOUNDS[base.unit]
        low, high = max(least, low), min(most, high)
    return replace(
        base,
        value=mean,
        n=sum(n) if n else None,
        count=sum(counts) if len(counts) == len(known) else None,
        chance=sum(chances) / len(chances) if len(chances) == len(known) else None,
        failed=sum(one.failed for one in figures),
        ci_low=low,
        ci_high=high,
    )


def differences(first: Sequence[Figure], second: Sequence[Figure]) -> Figure | None:
    """The second arm less the first, paired by seed: keys, halves and weights begin alike.

    Arguments:
        second: Figures of another arm, in the same order of seeds as the first.

    Returns:
        The mean difference with Student's interval and two-sided p-value over the seeds; neither
        where fewer than two seeds have both. Where all seeds differ by the same amount, which says
        nothing of their spread, the interval is that of two independent figures, and there is no
        p-value. None where no seed has both.
    """
    pairs = [
        (one, other)
        for one, other in zip(first, second, strict=True)
        if one.value is not None and other.value is not None
    ]
    if not pairs:
        return None
    changes = [float(other.value or 0) - float(one.value or 0) for one, other in pairs]
    mean = sum(changes) / len(changes)
    ends, p = _between(changes), None
    if ends is not None and ends[0] == ends[1]:
        ends = _apart(mean, over_seeds(first), over_seeds(second))
    elif ends is not None:
        from scipy import stats

        spread = (ends[1] - ends[0]) / 2 / stats.t.ppf((1 + CONFIDENCE) / 2, len(changes) - 1)
        p = float(2 * stats.t.sf(abs(mean) / spread, len(changes) - 1))
    return replace(
        second[0],
        by=BY_ALL,
        other=first[0].split,
        value=mean,
        n=None,
        count=None,
        chance=0.0,
        ci_low=None if ends is None else ends[0],
        ci_high=None if ends is None else ends[1],
        p_value=p,
        facts=_shared(second) | {"seeds": len(pairs)},
    )


def tells_apart(difference: Figure, arms: int) -> bool:
    """Whether an arm differs from the first: the interval at the level that all arms share.

    Arguments:
        arms: How many arms are compared with the first one; they share the level of 5 %.
    """
    if difference.interval is None or difference.value is None:
        return False
    if difference.p_value is not None:
        return difference.p_value <= (1 - CONFIDENCE) / arms
    low, high = difference.interval
    return low > 0 or high < 0


def _shared(figures: Sequence[Figure]) -> dict[str, str | int | float | bool | None]:
    """The facts that the figures of all seeds have in common."""
    return {
        name: value
        for name, value in figures[0].facts.items()
        if all(one.facts.get(name) == value for one in figures)
    }


def _between(values: Sequence[float]) -> tuple[float, float] | None:
    """Student's interval of a mean; None of fewer than two values."""
    if len(values) < 2:
        return None
    from scipy import stats

    mean = sum(values) / len(values)
    spread = sqrt(sum((one - mean) ** 2 for one in values) / (len(values) - 1) / len(values))
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * spread
    return mean - reach, mean + reach


def _within(known: Sequence[Figure]) -> tuple[float, float] | None:
    """What the figures say of their own width, together."""
    if all(one.count is not None and one.n for one in known) and known[0].unit == "share":
        from scipy import stats

        hits, n = sum(one.count or 0 for one in known), sum(one.n or 0 for one in known)
        ends = stats.binomtest(hits, n).proportion_ci(CONFIDENCE, "exact")
        return float(ends.low), float(ends.high)
    widths = [one.interval for one in known if one.interval is not None]
    if len(widths) < len(known):
        return None
    mean = sum(float(one.value or 0) for one in known) / len(known)
    below = sum(float(one.value or 0) - ends[0] for one, ends in zip(known, widths, strict=True))
    above = sum(ends[1] - float(one.value or 0) for one, ends in zip(known, widths, strict=True))
    root = len(known) * sqrt(len(known))
    return mean - below / root, mean + above / root


def _apart(mean: float, first: Figure, second: Figure) -> tuple[float, float] | None:
    """The interval of a difference of two figures that know nothing of one another."""
    if first.interval is None or second.interval is None:
        return None
    half = hypot(*((ends[1] - ends[0]) / 2 for ends in (first.interval, second.interval)))
    return mean - half, mean + half


def by_seed(figures: Sequence[Figure], seeds: Sequence[int]) -> Iterator[Figure]:
    """The figures one by one, each with its seed."""
    for one, seed in zip(figures, seeds, strict=True):
        yield replace(one, by=f"{BY_SEED} {seed}", facts={**one.facts, "seed": seed})
