"""The verdict on a `signals` run: the rule of `pairs.verdict`, about signals.

The tests are those of the trained images: the list of names (Simes), the counts within calibrated
thresholds, the area of trained against held-out images; Bonferroni over all signals.
"""

from dataclasses import dataclass

from solidmark.report.control import HEADLINE, beside, warning
from solidmark.report.pairs.facts import MeasureFacts
from solidmark.report.pairs.verdict import TONES, State, other_kind, state_of
from solidmark.report.pairs.words import listed
from solidmark.report.signals import sentences
from solidmark.report.signals.run import SignalsRun
from solidmark.report.signals.words import PROOF, RULE
from solidmark.scores.level import ALPHA

LABELS: dict[State, str] = {
    "other_kind": "Cannot be judged",
    "close": "Trained images stand out",
    "plain": "Plain pictures stand out",
    "unclear": "Unclear",
    "nothing": "Nothing stands out",
    "too_few": "Cannot be judged",
    "no_null": "Cannot be judged",
    "failed": "Nothing measured",
}
"""The state of a verdict and its short name, the most pressing first."""


@dataclass(frozen=True)
class SignalVerdict:
    """What one signal saw.

    Arguments:
        measure: Its name.
        title: Its name on the page.
        asks: What it asks.
        state: The outcome.
        headline: The outcome as a sentence.
        details: The sentences that back it.
        smallest_p: The smallest p-value of its tests.
    """

    measure: str
    title: str
    asks: str
    state: State
    headline: str
    details: tuple[str, ...]
    smallest_p: float

    @property
    def label(self) -> str:
        return LABELS[self.state]

    @property
    def tone(self) -> str:
        # That training left a trace is no memory yet: nothing is painted as memorized here.
        return "unclear" if self.state == "close" else TONES[self.state]


@dataclass(frozen=True)
class SignalsVerdict:
    """What the run as a whole says.

    Arguments:
        decisive: The signal that decides: the most pressing state, then the smallest p.
        details: What the other signals say, and what follows from it.
        measures: Every signal beside the others.
        rule: How the verdict was reached.
    """

    decisive: SignalVerdict
    details: tuple[str, ...]
    measures: tuple[SignalVerdict, ...]
    rule: str

    @property
    def label(self) -> str:
        return self.decisive.label

    @property
    def tone(self) -> str:
        return self.decisive.tone

    @property
    def headline(self) -> str:
        one = self.decisive
        if len(self.measures) == 1 or one.state == "other_kind":
            return one.headline
        return f"{one.title}: {one.headline[:1].lower()}{one.headline[1:]}"


def signals_verdict(signals: SignalsRun) -> SignalsVerdict:
    """Puts the aggregates of a `signals` run into sentences.

    Arguments:
        signals: The run.
    """
    facts = [MeasureFacts(signals.run, measure, ("trained",)) for measure in signals.measures]
    tests = sum(len(one.p_values) for one in facts)
    needed = ALPHA / max(1, tests)
    found = tuple(_judge(one, needed) for one in facts)
    states = list(LABELS)
    first = min(found, key=lambda one: (states.index(one.state), one.smallest_p))
    alone = len(found) == 1
    details = [*first.details] if alone else [*_others(found, first), *first.details[:3]]
    if any(one.state in ("close", "plain", "unclear") for one in found):
        details.append(PROOF)
    judged = tests and first.state != "other_kind"
    rule = RULE.format(needed=f"{needed:.2g}", once=round(1 / ALPHA)) if judged else ""
    if said := warning(signals.run.control):
        details.insert(0, said)
    return SignalsVerdict(first, tuple(details), found, rule)


def _judge(facts: MeasureFacts, needed: float) -> SignalVerdict:
    state = state_of(facts, needed)
    told = {
        "close": sentences.close,
        "plain": sentences.plain,
        "unclear": sentences.unclear,
        "nothing": sentences.nothing,
        "other_kind": lambda _: HEADLINE,
        "too_few": lambda one: sentences.too_few(one, needed),
        "no_null": sentences.no_null,
        "failed": sentences.failed,
    }[state](facts)
    details = [
        sentences.unseen(facts, needed) if state == "nothing" else "",
        sentences.reach(facts, needed) if state == "nothing" else "",
        other_kind(facts) if state == "other_kind" else "",
        sentences.as_a_whole(facts),
        beside(facts.area),
        sentences.turned_round(facts),
        sentences.within(facts) if state != "other_kind" else "",
        sentences.named(facts) if state not in ("nothing", "other_kind") else "",
        sentences.low_content(facts),
        sentences.unlike(facts),
        sentences.few(facts),
        sentences.failures(facts),
    ]
    measure = facts.measure
    return SignalVerdict(
        measure.name,
        measure.title,
        measure.asks,
        state,
        told,
        tuple(detail for detail in details if detail),
        min(facts.p_values, default=1.0),
    )


def _others(found: tuple[SignalVerdict, ...], first: SignalVerdict) -> list[str]:
    """What the other signals say, in a sentence a state."""
    said = []
    for state, label in LABELS.items():
        names = [one.title for one in found if one.state == state and one is not first]
        if names and state == first.state:
            said.append(f"{listed(names)} {'says' if len(names) == 1 else 'say'} the same.")
        elif names:
            said.append(f"{listed(names)}: {label[:1].lower()}{label[1:]}.")
    return said
