"""What changed between two audits of the same images, in words."""

import math
from collections.abc import Mapping, Sequence

from solidmark.late import stats
from solidmark.runs import Figure, Finding, Verdict
from solidmark.scores.level import ALPHA
from solidmark.scores.written import p_value, plain
from solidmark.verdicts.readers import reader

LABELS = {
    "less": "Less memory",
    "more": "More memory",
    "both": "Readers disagree",
    "read": "Read otherwise",
    "neither": "No memory in either",
    "none": "No difference beyond luck",
}
HEADLINES = {
    "less": "The second run shows less memory.",
    "more": "The second run shows more memory.",
    "both": "Some readers see more memory in the second run, others less.",
    "read": "Keys are read otherwise in the second run, but those of held-out images as well, as "
    "far as can be told: that is no difference in memory.",
    "neither": "Neither run shows memory, so that keys are read otherwise says nothing of it.",
    "none": "The two runs do not differ beyond luck.",
}
RULE = (
    "The runs differ where, by a reader, the mean distance of the trained keys has p below "
    "{needed:.2g} (Wilcoxon, paired by image), so that runs that are alike are called different "
    "at most once in {once}. They differ in memory where either has any, and where the trained "
    "keys moved further than the held-out ones (difference of both means, at the same p)."
)
SEEN = ("memorized", "hint", "do-not-trust")
"""The states of a run that may hold memory."""


def change_between(figures: Sequence[Figure], runs: Mapping[str, tuple[str, Verdict]]) -> Verdict:
    """Puts the paired figures of two audits into sentences.

    A reader may read a second model nearer to middle grey, or further from it, for no reason that
    has to do with memory. What held-out keys do as well is therefore no change in memory.

    Arguments:
        figures: The figures, as `scores.paired` makes them.
        runs: The name and the verdict of the `first` and of the `second` audit.

    Returns:
        What was done; nothing is judged to be memorized or not.
    """
    distances = [one for one in figures if one.statistic == "distance"]
    trained = [one for one in distances if one.split == "trained" and one.p_value is not None]
    null = [one for one in distances if one.split == "held_out"]
    needed = ALPHA / max(1, len(trained))
    told = sorted(trained, key=lambda one: (one.p_value or 0.0, one.reader or ""))
    moved = [one for one in told if (one.p_value or 0.0) < needed]
    ways = {way for one in moved if (way := _way(one, null, needed))}
    found = "both" if len(ways) > 1 else next(iter(ways), "read" if moved else "none")
    if moved and not any(one.state in SEEN for _, one in runs.values()):
        found = "neither"
    said = [_said(one) for one in told]
    return Verdict(
        "done",
        f"{HEADLINES[found]} {said[0]}" if said else "No trained image was read in both runs.",
        LABELS[found] if said else "Nothing to compare",
        (*said[1:], *(_said(one) for one in null if one.p_value is not None)),
        finding=found if said else "nothing",
        rule=RULE.format(needed=needed, once=round(1 / ALPHA)) if said else "",
        findings=tuple(
            Finding(side, name, f"The {side} run.", one.state, one.label, one.headline, one.details)
            for side, (name, one) in runs.items()
        ),
        others={side: one for side, (_, one) in runs.items()},
    )


def _way(one: Figure, null: Sequence[Figure], needed: float) -> str:
    """Whether there is less memory or more; neither where held-out keys moved as far."""
    other = next((held for held in null if held.reader == one.reader), None)
    if other is None or other.interval is None or one.interval is None:
        return ""
    further = (one.value or 0.0) - (other.value or 0.0)
    # An interval of 95 % is 3.92 standard errors wide.
    error = math.hypot(*((high - low) / 3.92 for low, high in (one.interval, other.interval)))
    if abs(further) <= error * float(stats.norm.isf(needed / 2)) or further * (one.value or 0) < 0:
        return ""
    return "less" if further > 0 else "more"


def _said(one: Figure) -> str:
    """The mean distance in both runs."""
    first, second = (one.number(side) or 0.0 for side in ("first", "second"))
    d = one.value or 0.0
    interval = ""
    if one.interval is not None:
        low, high = one.interval
        interval = f"95 % interval {plain(low, 3)} to {plain(high, 3)}; "
    whom = f"{one.n or 0:,} {one.split.replace('_', '-')} images"
    return (
        f"{reader(str(one.reader)).title}: the keys of {whom} are read {plain(first, 3)} from the "
        f"truth on average in the first run and {plain(second, 3)} in the second: "
        f"{plain(abs(d), 3)} {'further' if d > 0 else 'nearer'} "
        f"({interval}{p_value(one.p_value or 0.0)})."
    )
