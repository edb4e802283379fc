"""The verdict on generations beside the training set: from the aggregates to sentences.

The rule, fixed before looking: a measure sees copies when one of its tests is significant at 1 %
(Bonferroni over all tests of the run): the list of named generations (Simes), the counts within
the calibrated thresholds, and the same of the training images. If most of the closest generations
are nearly of one colour, and the null is not, that they are close says little, and the verdict is
that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from solidmark.report.control import HEADLINE, beside, warning, why
from solidmark.report.judged import outcome
from solidmark.report.pairs import sentences
from solidmark.report.pairs.facts import MeasureFacts, facts_of
from solidmark.report.pairs.run import NearestRun
from solidmark.report.pairs.words import ROBUST, listed
from solidmark.scores.level import ALPHA

State = Literal[
    "other_kind", "close", "plain", "unclear", "nothing", "too_few", "no_null", "failed"
]

LABELS: Mapping[State, str] = {
    "other_kind": "Cannot be judged",
    "close": "Closer than chance",
    "plain": "Close, but plain pictures",
    "unclear": "Unclear",
    "nothing": "Nothing closer than chance",
    "too_few": "Cannot be judged",
    "no_null": "Cannot be judged",
    "failed": "Nothing scored",
}
"""The state of a verdict and its short name, the most pressing first."""

TONES: Mapping[State, str] = {
    "other_kind": "untrusted",
    "close": "memorized",
    "plain": "unclear",
    "unclear": "unclear",
    "nothing": "not_seen",
    "too_few": "unclear",
    "no_null": "untrusted",
    "failed": "",
}
"""The colour of each state, as the style sheet calls it. Green is `nothing` alone."""

RULE = (
    "A measure sees copies when its list of named images, its counts within a calibrated "
    "threshold, of generations or of training images, or the area of trained against held-out "
    "images has p below {needed}, so that a run in which nothing was copied is said to hold copies "
    "at most once in {once}."
)


@dataclass(frozen=True)
class MeasureVerdict:
    """What one measure saw.

    Arguments:
        measure: Its name.
        title: Its name on the page.
        asks: What it asks of two pictures.
        state: The outcome.
        headline: The outcome as a sentence.
        details: The sentences that back it.
    """

    measure: str
    title: str
    asks: str
    state: State
    headline: str
    details: tuple[str, ...]

    @property
    def label(self) -> str:
        return LABELS[self.state]

    @property
    def tone(self) -> str:
        return TONES[self.state]


@dataclass(frozen=True)
class Closeness:
    """What the run as a whole says.

    Arguments:
        state: The outcome of the measure that decides.
        headline: The verdict in a sentence.
        details: What the other measures say, and what backs the verdict.
        measures: Every measure beside the others.
        rule: How the verdict was reached.
    """

    state: State
    headline: str
    details: tuple[str, ...]
    measures: tuple[MeasureVerdict, ...]
    rule: str

    @property
    def label(self) -> str:
        return LABELS[self.state]

    @property
    def tone(self) -> str:
        return TONES[self.state]


def closeness_verdict(run: NearestRun) -> Closeness:
    """Puts the aggregates of a `nearest` run into sentences.

    Arguments:
        run: The run.

    Returns:
        The verdict. The most pressing state among the measures decides; within a state, the
        measure that is fooled least.
    """
    facts = [facts_of(run, measure) for measure in run.measures]
    return warned(weigh(facts, _judge, _place, RULE), run)


def warned(found: Closeness, run: NearestRun) -> Closeness:
    """The verdict with the warning of a control that is trusted although it is of another kind."""
    said = warning(run.control)
    return replace(found, details=(said, *found.details)) if said else found


def weigh(
    facts: Sequence[MeasureFacts],
    judge: Callable[[MeasureFacts, float], MeasureVerdict],
    place: Callable[[str], Any],
    rule: str,
) -> Closeness:
    """Weighs the measures of a run against each other.

    Arguments:
        facts: What is known of each.
        judge: What one measure saw, given the p-value below which a test is beyond luck.
        place: Of several measures that saw the same, the one with the lowest place speaks.
        rule: How the verdict was reached; `{needed}` stands for that p-value, `{once}` for how
            seldom a run without memory passes it.
    """
    if not facts:
        return Closeness("failed", "This run has no results.", (), (), "")
    tests = sum(len(one.p_values) for one in facts)
    needed = ALPHA / max(1, tests)
    found = tuple(judge(one, needed) for one in facts)
    states = list(LABELS)
    first = min(found, key=lambda one: (states.index(one.state), place(one.measure)))
    whole = first.state == "other_kind"  # That holds for the run as a whole.
    several = len(found) > 1
    leading = (
        f"{first.title}: {_lower(first.headline)}" if several and not whole else first.headline
    )
    details = first.details
    if several:
        # What holds for every measure is said once.
        common = set.intersection(*(set(one.details) for one in found))
        shared = [detail for detail in first.details if detail in common]
        own = [detail for detail in first.details if detail not in common]
        details = (*shared, *own) if whole else (*_others(found, first), *own[:2], *shared)
        found = tuple(_without(one, common) for one in found)
    judged = tests and first.state != "other_kind"
    said = rule.format(needed=f"{needed:.2g}", once=round(1 / ALPHA)) if judged else ""
    return Closeness(first.state, leading, details, found, said)


def _judge(facts: MeasureFacts, needed: float) -> MeasureVerdict:
    state = state_of(facts, needed)
    said = {
        "close": lambda one: sentences.close(one, needed),
        "plain": sentences.plain,
        "unclear": sentences.unclear,
        "nothing": lambda one: sentences.nothing(one, needed),
        "other_kind": lambda _: HEADLINE,
        "too_few": lambda one: sentences.too_few(one, needed),
        "no_null": sentences.no_null,
        "failed": sentences.failed,
    }[state](facts)
    first = [sentences.within(facts), sentences.came_back(facts)]
    if facts.smallest_p("trained") < facts.smallest_p("generated"):
        first = [sentences.as_a_whole(facts), *reversed(first)]
    if state == "other_kind":
        first = [other_kind(facts)]
    details = [
        sentences.unseen(facts, needed) if state == "nothing" else "",
        *first,
        sentences.as_a_whole(facts),
        beside(facts.area),
        sentences.named(facts) if state not in ("nothing", "other_kind") else "",
        sentences.same(facts),
        sentences.low_content(facts),
        sentences.unlike(facts),
        sentences.few(facts),
        sentences.failures(facts),
    ]
    kept = tuple(dict.fromkeys(detail for detail in details if detail and detail != said))
    measure = facts.measure
    return MeasureVerdict(measure.name, measure.title, measure.asks, state, said, kept)


def state_of(facts: MeasureFacts, needed: float) -> State:
    """The outcome of one measure.

    Arguments:
        facts: What is known of it.
        needed: Below this a p-value is beyond luck.
    """
    best = min(facts.p_values, default=1.0)
    seen, control = facts.smallest_seen(needed), facts.run.control
    found = outcome(facts.n, facts.m, control, best, needed, facts.named_count, seen)
    if found == "beyond":
        return "plain" if facts.is_plain else "close"
    return found


def other_kind(facts: MeasureFacts) -> str:
    """Why nothing can be judged where the held-out images are of another kind."""
    return "" if facts.run.control is None else why(facts.run.control)


def _place(measure: str) -> tuple[int, str]:
    """Those that are fooled least come first, plain l2 last."""
    if measure in ROBUST:
        return ROBUST.index(measure), measure
    return len(ROBUST) + (measure == "l2"), measure


def _others(found: Sequence[MeasureVerdict], first: MeasureVerdict) -> list[str]:
    """What the other measures say, in a sentence a state."""
    said = []
    for state in LABELS:
        names = [one.title for one in found if one.state == state and one is not first]
        if names and state == first.state:
            said.append(f"{listed(names)} {'says' if len(names) == 1 else 'say'} the same.")
        elif names:
            said.append(f"{listed(names)}: {_lower(LABELS[state])}.")
    return said


def _without(one: MeasureVerdict, common: set[str]) -> MeasureVerdict:
    return replace(one, details=tuple(detail for detail in one.details if detail not in common))


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
