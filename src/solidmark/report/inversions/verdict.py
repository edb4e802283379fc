"""The verdict on an `invmm` run: the same rule as of the other pages, about reproduced images.

The rule, fixed before looking: the run sees memory when one of its tests is significant at 1 %
(Bonferroni over all of them): the count of reproduced images, the area of trained against held-out
images, the list of named images.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from solidmark.report.control import HEADLINE, beside, warning, why
from solidmark.report.inversions import sentences
from solidmark.report.inversions.facts import InversionFacts
from solidmark.report.inversions.run import InversionsRun
from solidmark.report.inversions.words import ASKS, HOW, RULE
from solidmark.report.judged import outcome
from solidmark.report.words import counted_once
from solidmark.scores.level import ALPHA

State = Literal["other_kind", "memorized", "unclear", "nothing", "too_few", "no_null", "failed"]

LABELS: Mapping[State, str] = {
    "other_kind": "Cannot be judged",
    "memorized": "Memorized",
    "unclear": "Unclear",
    "nothing": "Nothing beyond chance",
    "too_few": "Cannot be judged",
    "no_null": "Cannot be judged",
    "failed": "Nothing tried",
}
TONES: Mapping[State, str] = {
    "other_kind": "untrusted",
    "memorized": "memorized",
    "unclear": "unclear",
    "nothing": "not_seen",
    "too_few": "unclear",
    "no_null": "untrusted",
    "failed": "",
}
"""The colour of each state, as the style sheet calls it. Green is `nothing` alone."""


@dataclass(frozen=True)
class Asked:
    """What was asked of the model, as the page says it."""

    title: str
    asks: str


@dataclass(frozen=True)
class InversionVerdict:
    """What an `invmm` run says.

    Arguments:
        state: The outcome.
        headline: The outcome as a sentence.
        details: The sentences that back it.
        rule: How it was reached; empty where nothing could be tested.
    """

    state: State
    headline: str
    details: tuple[str, ...]
    rule: str

    @property
    def label(self) -> str:
        return LABELS[self.state]

    @property
    def tone(self) -> str:
        return TONES[self.state]

    @property
    def measures(self) -> tuple[Asked, ...]:
        """The one question of the page, for its first lines."""
        return (Asked("InvMM", f"{ASKS} {HOW}"),)


def inversion_verdict(run: InversionsRun) -> InversionVerdict:
    """Puts the tables and aggregates of an `invmm` run into sentences."""
    facts = InversionFacts(run)
    tests = facts.p_values
    needed = ALPHA / max(1, len(tests))
    state = _state(facts, needed)
    headlines: Mapping[State, Callable[[InversionFacts], str]] = {
        "memorized": sentences.memorized,
        "unclear": sentences.unclear,
        "nothing": lambda one: sentences.nothing(one, needed),
        "other_kind": lambda _: HEADLINE,
        "too_few": lambda one: sentences.too_few(one, needed),
        "no_null": sentences.no_null,
        "failed": sentences.failed,
    }
    details = [
        warning(facts.control),
        sentences.unseen(facts, needed) if state == "nothing" else "",
        _other_kind(facts) if state == "other_kind" else "",
        sentences.by_count(facts),
        sentences.by_kl(facts),
        sentences.by_area(facts),
        beside(facts.area),
        sentences.named(facts) if state not in ("nothing", "other_kind") else "",
        sentences.lax(facts),
        sentences.restarts(facts),
        sentences.few(facts),
        sentences.not_tried(facts),
        sentences.failures(facts),
        counted_once(facts.run.copies),
    ]
    judged = tests and state != "other_kind"
    rule = RULE.format(needed=f"{needed:.2g}", once=round(1 / ALPHA)) if judged else ""
    kept = tuple(detail for detail in details if detail)
    return InversionVerdict(state, headlines[state](facts), kept, rule)


def _state(facts: InversionFacts, needed: float) -> State:
    best = min(facts.p_values, default=1.0)
    seen, control = facts.smallest_seen(needed), facts.control
    found = outcome(facts.n, facts.m, control, best, needed, facts.named_count, seen)
    return "memorized" if found == "beyond" else found


def _other_kind(facts: InversionFacts) -> str:
    return "" if facts.control is None else why(facts.control)
