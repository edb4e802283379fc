"""The words of a comparison: what the four commands that share a judge differ by.

Sentences stand once, in `sentences`; here are the nouns and verbs that they are filled with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from solidmark.runs.verdict import Judged

Outcome = Literal[
    "other_kind", "close", "plain", "unclear", "nothing", "too_few", "no_null", "failed"
]
"""What a comparison comes to, the most pressing first."""

OUTCOMES: Mapping[Outcome, tuple[Judged, str]] = {
    "other_kind": ("cannot-be-judged", "Cannot be judged"),
    "close": ("memorized", "Memorized"),
    "plain": ("hint", "Close, but plain pictures"),
    "unclear": ("hint", "Unclear"),
    "nothing": ("not-seen", "Nothing beyond chance"),
    "too_few": ("cannot-be-judged", "Cannot be judged"),
    "no_null": ("cannot-be-judged", "Cannot be judged"),
    "failed": ("failed", "Nothing scored"),
}
"""The same as all commands call it, and in a word or two; a command may have labels of its own."""

Pair = tuple[str, str]
"""A word for one and for several."""


@dataclass(frozen=True, kw_only=True)
class Nouns:
    """What is compared with what.

    Arguments:
        asked: What is in question.
        others: What it is compared with.
        do: The verb of what was seen, before `close`.
        close: What they do, or are, that the others are not.
        not_close: That they do nothing of the kind, after their number.
        nearer: More suspicious, as an adverb.
        as_near: Just as suspicious.
        nearest: The most suspicious, as an attribute.
        pair: One of them is nearer than one of the others: the beginning of a sentence.
        whom: What is seen where there is enough of it.
        missed: What else a comparison like this does not see.
        more: What would decide a hint.
        no_null: Why nothing is judged where there is nothing to compare with, in sentences.
        looks: What plain pictures do: they `look` nearly of one colour.
        plain: Why it says little that plain pictures are close.
        unlike: What follows where those in question are plainer than the others, as a sentence.
        unlike_how: Whether it also matters where the others are plainer.
        turned: What an area far below one half means, as a sentence; empty where that says nothing.
    """

    asked: Pair
    others: Pair
    do: Pair
    close: str
    not_close: str
    nearer: str
    as_near: str
    nearest: str = "closest"
    pair: str
    whom: str
    missed: str
    more: str
    no_null: str
    looks: str = "are"
    plain: str = ""
    unlike: str = ""
    unlike_how: Literal["greater", "two-sided"] = "greater"
    turned: str = ""


@dataclass(frozen=True, kw_only=True)
class Family:
    """What a command that compares is called, and what its verdicts are.

    Arguments:
        measure: What one of its measures is called in the rule.
        sees: What it sees where it sees something, as an object.
        tests: What is tested, as the subject of a sentence.
        innocent: What a run without any of it is like: "in which ...".
        labels: Its labels, by outcome, where they are its own.
        states: Its states, where they are its own.
        names: Its words for an outcome, where they are its own.
        proof: What must be added where something was seen.
    """

    measure: str
    sees: str
    tests: str = (
        "its list of named images, its counts within a calibrated threshold or the area of "
        "trained against held-out images"
    )
    innocent: str
    labels: Mapping[Outcome, str] = field(default_factory=dict)
    states: Mapping[Outcome, Judged] = field(default_factory=dict)
    names: Mapping[Outcome, str] = field(default_factory=dict)
    proof: str = ""

    def label(self, outcome: Outcome) -> str:
        """The label of an outcome."""
        return self.labels.get(outcome, OUTCOMES[outcome][1])

    def state(self, outcome: Outcome) -> Judged:
        """The state that it is."""
        return self.states.get(outcome, OUTCOMES[outcome][0])

    def name(self, outcome: Outcome) -> str:
        """The outcome in the word of this command."""
        return self.names.get(outcome, outcome)
