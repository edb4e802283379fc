"""What an approximate search means for a verdict: what it misses is not seen.

Nothing that is found is wrong, since all distances are exact, and held-out images are asked by the
same search, so p-values hold. But "nothing was found" is worth what the search finds.
"""

from collections.abc import Sequence
from dataclasses import replace

from solidmark.cards import title_of
from solidmark.runs import Figure, Verdict, find
from solidmark.scores.written import percent, percents

RECALL = "search_recall"
"""The statistic: which share of what the exact search finds the approximate one finds."""

NEAREST, PAIRS, COPIES = "nearest", "pairs", "copies"
"""What was asked for: the nearest of images as they come, those within the threshold of them, or
changed copies just within it."""

LEAST = 0.95
"""What the lower end of the interval must reach, or a search is too blind to say "not seen"."""

LABEL, BLIND = "search too blind", "search_too_blind"


def is_blind(figures: Sequence[Figure], measure: str) -> bool:
    """Whether an approximate search by a measure finds too little; an exact one never does.

    Copies decide where they were asked for, since they are what is looked for.
    """
    told = find(figures, RECALL, measure=measure)
    for side in {one.split for one in told}:
        own = {one.by: one for one in told if one.split == side}
        deciding = own.get(COPIES) or own.get(NEAREST)
        if deciding is not None and (deciding.ci_low or 0.0) < LEAST:
            return True
    return False


def blind_measures(figures: Sequence[Figure]) -> list[str]:
    """The measures by which the search finds too little."""
    names = dict.fromkeys(one.measure for one in find(figures, RECALL))
    return [name for name in names if is_blind(figures, name)]


def search_lines(figures: Sequence[Figure]) -> list[str]:
    """What the approximate searches of a run find, a sentence each; none where all were exact."""
    return [_line(one) for one in find(figures, RECALL)]


def seen_by(verdict: Verdict, figures: Sequence[Figure]) -> Verdict:
    """A verdict that takes into account what its searches can see.

    Arguments:
        verdict: As if they had been exact.
        figures: Those of the run.
    """
    lines = tuple(search_lines(figures))
    if not lines:
        return verdict
    blind = blind_measures(figures)
    verdict = replace(
        verdict,
        details=(*verdict.details, *lines),
        findings=tuple(
            replace(
                one,
                state="cannot-be-judged",
                label=LABEL,
                headline=f"Cannot be judged: {too_blind([one.name])}",
                outcome=BLIND,
            )
            if one.name in blind and one.tone == "not_seen"
            else one
            for one in verdict.findings
        ),
    )
    if not blind or verdict.tone != "not_seen":
        return verdict
    return replace(
        verdict,
        state="cannot-be-judged",
        label=LABEL,
        headline=f"Cannot be judged: {too_blind(blind)}",
        finding=BLIND,
    )


def too_blind(measures: Sequence[str]) -> str:
    """Why nothing can be said, and what to do."""
    names = ", ".join(title_of(name) for name in measures)
    return (
        f"the approximate search by {names} finds too little to say that there is nothing (the "
        f"interval must lie above {percent(LEAST)}). Search with --search exact."
    )


_UNKNOWN = {
    NEAREST: "the search was approximate, and there is nothing to measure it on.",
    PAIRS: "the search was approximate. A sample of the images has no pairs within the threshold.",
    COPIES: "the search was approximate, and within a threshold of 0 there are no changed copies.",
}


def _line(one: Figure) -> str:
    title = title_of(one.measure)
    if one.split == "generated":
        title += ", among the generations"
    if one.value is None or one.interval is None:
        return f"{title}: {_UNKNOWN[one.by or NEAREST]}"
    between = percents(*one.interval)
    found = f"{one.count:,} of {one.n:,} ({percent(one.value)}, 95 % interval {between})"
    if one.by == COPIES:
        return (
            f"{title}: the search was approximate. Of changed copies just within the threshold it "
            f"finds {found}; a copy that it misses is not seen."
        )
    if one.by == PAIRS:
        return (
            f"{title}: the search was approximate. Of the pairs of a sample it finds {found}; a "
            "pair that it misses is not seen."
        )
    return (
        f"{title}: the search was approximate. The nearest that it finds is as near as that of the "
        f"exact search for {found}."
    )
