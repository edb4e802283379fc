"""The verdict on an `invmm` run: the same rule as of the other pages, about reproduced images.

The rule, fixed before looking: the run sees memory when one of its tests is significant at 1 %
(Bonferroni over all of them): the count of reproduced images, the area of trained against held-out
images, the list of named images.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from solidmark.report.inversions import sentences
from solidmark.report.inversions.facts import InversionFacts
from solidmark.report.inversions.run import InversionsRun
from solidmark.report.inversions.words import ASKS, HOW, RULE
from solidmark.report.words import counted_once

State = Literal["memorized", "unclear", "nothing", "no_null", "failed"]

ALPHA = 0.01
"""How often a run in which nothing was memorized may be said to show memory."""

LABELS: Mapping[State, str] = {
    "memorized": "Memorized",
    "unclear": "Unclear",
    "nothing": "Nothing beyond chance",
    "no_null": "Cannot be judged",
    "failed": "Nothing tried",
}
TONES: Mapping[State, str] = {
    "memorized": "memorized",
    "unclear": "unclear",
    "nothing": "not_seen",
    "no_null": "untrusted",
    "failed": "",
}
"""The colour of each state, as the style sheet calls it."""


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
        "no_null": sentences.no_null,
        "failed": sentences.failed,
    }
    details = [
        sentences.by_count(facts),
        sentences.by_kl(facts),
        sentences.by_area(facts),
        sentences.named(facts) if state != "nothing" else "",
        sentences.lax(facts),
        sentences.restarts(facts),
        sentences.few(facts),
        sentences.not_tried(facts),
        sentences.failures(facts),
        counted_once(facts.run.copies),
    ]
    rule = RULE.format(needed=f"{needed:.2g}", once=round(1 / ALPHA)) if tests else ""
    kept = tuple(detail for detail in details if detail)
    return InversionVerdict(state, headlines[state](facts), kept, rule)


def _state(facts: InversionFacts, needed: float) -> State:
    if not facts.n:
        return "failed"
    if not facts.m:
        return "no_null"
    best = min(facts.p_values, default=1.0)
    if best < needed:
        return "memorized"
    if best < 5 * ALPHA or facts.named_count:
        return "unclear"
    return "nothing"
