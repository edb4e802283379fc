"""What changed between two audits of the same images, in words."""

from collections.abc import Mapping, Sequence

from solidmark.runs import Figure, Finding, Verdict
from solidmark.scores.level import ALPHA
from solidmark.scores.written import p_value, plain
from solidmark.verdicts.readers import reader

LABELS = {
    "less": "Keys are read worse",
    "more": "Keys are read better",
    "both": "Readers disagree",
    "none": "No difference beyond luck",
}
RULE = (
    "The runs differ where, by a reader, the mean distance of the trained keys has p below "
    "{needed:.2g} (Wilcoxon, paired by image), so that runs that are alike are called different "
    "at most once in {once}."
)


def change_between(figures: Sequence[Figure], runs: Mapping[str, tuple[str, Verdict]]) -> Verdict:
    """Puts the paired figures of two audits into sentences.

    Arguments:
        figures: The figures, as `scores.paired` makes them.
        runs: The name and the verdict of the `first` and of the `second` audit.

    Returns:
        What was done; nothing is judged to be memorized or not.
    """
    distances = [one for one in figures if one.statistic == "distance"]
    trained = [one for one in distances if one.split == "trained" and one.p_value is not None]
    needed = ALPHA / max(1, len(trained))
    told = sorted(trained, key=lambda one: (one.p_value or 0.0, one.reader or ""))
    ways = {_way(one) for one in told if (one.p_value or 0.0) < needed}
    found = "both" if len(ways) > 1 else next(iter(ways), "none")
    whole = {
        "less": "The second run shows less memory.",
        "more": "The second run shows more memory.",
        "both": "Some readers read more in the second run, others less.",
        "none": "The two runs do not differ beyond luck.",
    }[found]
    said = [_said(one) for one in told]
    null = [one for one in distances if one.split == "held_out" and one.p_value is not None]
    return Verdict(
        "done",
        f"{whole} {said[0]}" if said else "No trained image was read in both runs.",
        LABELS[found] if said else "Nothing to compare",
        (*said[1:], *map(_said, null)),
        finding=found if said else "nothing",
        rule=RULE.format(needed=needed, once=round(1 / ALPHA)) if said else "",
        findings=tuple(
            Finding(side, name, f"The {side} run.", one.state, one.label, one.headline, one.details)
            for side, (name, one) in runs.items()
        ),
        others={side: one for side, (_, one) in runs.items()},
    )


def _way(one: Figure) -> str:
    return "less" if (one.value or 0.0) > 0 else "more"


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
