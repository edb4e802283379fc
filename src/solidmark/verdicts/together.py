"""The judge of several measures of one audit, from what the judge of each has said.

The rule, fixed before looking. Every measure is judged at its share of the level (Bonferroni over
the measures, as over the tests of each), so the most pressing of their outcomes is that of all, and
an audit in which nothing was memorized is said to show memory at most once in 100. A control of
another kind speaks for all: they share it. Green is given only by a measure that could have seen
something; one that cannot be judged is said, and makes nothing green.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from solidmark.runs import Finding, Verdict
from solidmark.scores.level import ALPHA
from solidmark.verdicts.control import HEADLINE
from solidmark.verdicts.sentences import UNSEEN
from solidmark.verdicts.words import listed, lower

STATES = ("do-not-trust", "memorized", "hint", "not-seen", "cannot-be-judged", "failed")
"""From the most pressing on."""

LABELS = {
    "memorized": "Memorized",
    "not-seen": "Nothing beyond chance",
    "cannot-be-judged": "Cannot be judged",
    "failed": "Nothing scored",
}

SCOPE = (
    "Without marks only this can be seen: what the model draws again, how easily, and that "
    "training left a trace. There are no keys, so joint memory of a picture and its frame was not "
    "asked."
)
TRACE = (
    "Training left a trace, and no measure of memory brought an image back: the model was trained "
    "on these images, which is not yet memory."
)
ASK_OTHERWISE = (
    "The measures do not agree. They ask different things: what one does not see another may, and "
    "each is held to a level at which all of them together are seldom wrong."
)
SHOWN = 3
"""So many sentences of the measure that decides stand in the verdict."""


@dataclass(frozen=True)
class Told:
    """What one measure has come to.

    Arguments:
        name: Its name.
        title: Its name on the page.
        asks: What it asks.
        verdict: Its verdict, judged at its share of the level.
        is_memory: Whether what it sees is memory, and not only a trace of training.
    """

    name: str
    title: str
    asks: str
    verdict: Verdict
    is_memory: bool = True

    @property
    def is_other_kind(self) -> bool:
        """Whether its held-out images are of another kind."""
        return self.verdict.finding == "other_kind"


def judge_together(measures: Sequence[Told]) -> Verdict:
    """Weighs the measures of an audit without marks.

    Arguments:
        measures: What each has come to, one or more.

    Returns:
        The verdict, with a finding a measure.
    """
    first = min(measures, key=_pressing)
    state = "cannot-be-judged" if first.is_other_kind else first.verdict.state
    seen = [one for one in measures if one.verdict.state in ("memorized", "hint")]
    nothing = [one for one in measures if one.verdict.state == "not-seen"]
    details = [*_others(measures, first)]
    if not first.is_other_kind:
        if nothing and any(one.is_memory for one in seen):
            details.append(ASK_OTHERWISE)
        elif nothing and seen:
            details.append(TRACE)
    details.append(SCOPE)
    details += _unseen(nothing) if state == "not-seen" else first.verdict.details[:SHOWN]
    naming = [first, *(one for one in measures if one is not first)]
    return Verdict(
        state=state,
        headline=_headline(measures, first),
        label=LABELS.get(state, first.verdict.label),
        details=tuple(dict.fromkeys(details)),
        finding="other_kind" if first.is_other_kind else state,
        rule=_rule(len(measures)),
        naming=tuple(one.name for one in naming if one.verdict.state == state == "memorized"),
        findings=tuple(
            Finding(
                one.name,
                one.title,
                one.asks,
                one.verdict.state,
                one.verdict.label,
                one.verdict.headline,
                (*one.verdict.details, *([one.verdict.rule] if one.verdict.rule else [])),
                one.verdict.finding,
            )
            for one in measures
        ),
    )


def _pressing(one: Told) -> tuple[bool, int, bool]:
    return not one.is_other_kind, STATES.index(one.verdict.state), not one.is_memory


def _headline(measures: Sequence[Told], first: Told) -> str:
    if first.is_other_kind:
        return HEADLINE
    if first.verdict.state == "not-seen":
        able = [one.title for one in measures if one.verdict.state == "not-seen"]
        return f"Nothing beyond chance was seen by {listed(list(map(lower, able)))}."
    return f"{first.title}: {lower(first.verdict.headline)}"


def _others(measures: Sequence[Told], first: Told) -> list[str]:
    """What the other measures say, in a sentence a label."""
    said = []
    others = [one for one in measures if one is not first]
    if first.verdict.state == "not-seen":
        others = [one for one in others if one.verdict.state != "not-seen"]
    same = [one.title for one in others if one.verdict.state == first.verdict.state]
    if same and not first.is_other_kind:
        said.append(f"{listed(same)} {'says' if len(same) == 1 else 'say'} the same.")
        others = [one for one in others if one.title not in same]
    for label in dict.fromkeys(one.verdict.label for one in others):
        names = [one.title for one in others if one.verdict.label == label]
        said.append(f"{listed(names)}: {lower(label)}.")
    return said


def _unseen(measures: Sequence[Told]) -> list[str]:
    """What each measure would have missed, where it saw nothing."""
    return [
        f"{one.title}. {sentence}"
        for one in measures
        for sentence in one.verdict.details
        if sentence.startswith(UNSEEN)
    ]


def _rule(count: int) -> str:
    share = f"1/{count} of " if count > 1 else ""
    return (
        f"Each measure is judged at {share}{ALPHA:.0%}, over all of its tests, so that an audit in "
        f"which nothing was memorized is said to show memory at most once in {round(1 / ALPHA)}."
    )
