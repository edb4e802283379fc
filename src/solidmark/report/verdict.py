"""The verdict: from the aggregates to sentences that can be defended.

The rule, fixed before looking: a reader sees memorization when one of three tests over the trained
images is significant at 1 % (Bonferroni over the tests and all readers): the count within delta,
the rank test, and Simes's test, which is the list of names. The same three tests on the held-out
images, each at 1 %, decide whether the run can be trusted at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from solidmark.report import sentences, words
from solidmark.report.numbers import at_least, percent
from solidmark.report.sentences import ALPHA, DELTA, TESTS, Facts

State = Literal["untrusted", "memorized", "unclear", "not_seen", "too_few", "weak", "failed"]
Row = Mapping[str, Any]

LABELS: dict[State, str] = {
    "untrusted": "Do not trust this run",
    "memorized": "Memorized",
    "unclear": "Unclear",
    "not_seen": "No memorization seen",
    "too_few": "Too few images",
    "weak": "Reader too weak",
    "failed": "Nothing scored",
}
"""The state of a verdict and its short name, the most pressing first."""


@dataclass(frozen=True)
class ReaderVerdict:
    """What one reader saw.

    Arguments:
        reader: Its name.
        state: The outcome.
        headline: The outcome as a sentence.
        details: The sentences that back it, with chance, interval and p-value.
    """

    reader: str
    state: State
    headline: str
    details: tuple[str, ...]

    @property
    def title(self) -> str:
        return words.reader(self.reader).title

    @property
    def label(self) -> str:
        return LABELS[self.state]


@dataclass(frozen=True)
class Verdict:
    """What the run as a whole says.

    Arguments:
        state: The outcome of the reader that decides.
        headline: The verdict in a sentence.
        details: What backs the headline, and what it means that readers disagree.
        readers: Every reader beside the others.
        rule: How the verdict was reached.
    """

    state: State
    headline: str
    details: tuple[str, ...]
    readers: tuple[ReaderVerdict, ...]
    rule: str

    @property
    def label(self) -> str:
        return LABELS[self.state]


def verdict(rows: Sequence[Row], reasons: Mapping[str, str] | None = None) -> Verdict:
    """Puts the aggregates of a run into sentences.

    Arguments:
        rows: The rows of `results.json`.
        reasons: The most common reason of failure of each reader, where one is known.

    Returns:
        The verdict. The most pressing state among the readers decides; within a state, the
        default reader.
    """
    rows = [row for row in rows if row.get("measure", "solidmark") == "solidmark"]
    names = {str(row["reader"]) for row in rows if row.get("reader")} | set(reasons or {})
    order = sorted(names, key=lambda r: (words.ORDER.index(r) if r in words.ORDER else 99, r))
    if not order:
        return Verdict("failed", "This run has no results.", (), (), "")
    needed = ALPHA / (len(TESTS) * len(order))
    found = tuple(
        _judge(Facts(name, [row for row in rows if row["reader"] == name]), needed, reasons or {})
        for name in order
    )
    states = list(LABELS)
    first = min(found, key=lambda v: (states.index(v.state), order.index(v.reader)))
    # With several readers, each has its own details; the page shows them beside each other.
    details = first.details if len(found) == 1 else first.details[:2] + _disagreement(found)
    rule = (
        f"A reader sees memorization when its count within {DELTA:g}, its rank test or its list "
        f"of names over the trained images has p below {needed:.2g}, so that a run in which "
        f"nothing is memorized is called memorized at most once in {round(1 / ALPHA)}."
    )
    return Verdict(first.state, first.headline, details, found, rule)


def _judge(facts: Facts, needed: float, reasons: Mapping[str, str]) -> ReaderVerdict:
    if not facts.n("trained"):
        return _failed(facts, reasons.get(facts.reader, ""))
    state = _state(facts, needed)
    control, seen = sentences.held_out(facts), sentences.read(facts)
    rank, share = sentences.rank(facts), sentences.share(facts)
    if state == "untrusted":
        first = [control, seen, rank]
    elif facts.several_keys or (state == "memorized" and _names_more(facts)):
        first = [rank, control, share, "" if facts.several_keys else seen]
    else:
        first = [seen, control, rank]
    details = [
        *first,
        sentences.ceiling(facts),
        sentences.names(facts) if state == "memorized" and not _names_more(facts) else "",
        sentences.failures(facts),
        sentences.few(facts),
    ]
    kept = tuple(dict.fromkeys(filter(None, details)))
    return ReaderVerdict(facts.reader, state, _headline(state, facts), kept)


def _failed(facts: Facts, reason: str) -> ReaderVerdict:
    failed = (facts.find("trained", "eidetic") or {}).get("failed") or 0
    detail = f"{failed} rows of trained images failed." if failed else "No row could be scored."
    because = f'The most common reason: "{reason}".' if reason else ""
    lost = f"{facts.title} could score nothing: this run says nothing about memorization."
    return ReaderVerdict(facts.reader, "failed", lost, tuple(filter(None, (detail, because))))


def _state(facts: Facts, needed: float) -> State:
    best, smallest = facts.p("trained"), _smallest(facts)
    if facts.is_off:
        return "untrusted"
    if best < needed:
        return "memorized"
    if facts.n("ceiling") and facts.p("ceiling") >= ALPHA:
        return "weak"
    if best < 5 * ALPHA:
        return "unclear"
    if smallest is None or smallest.get("value") is None or smallest["value"] >= 0.5:
        return "too_few"
    return "not_seen"


def _smallest(facts: Facts) -> Row | None:
    """The row of the smallest share that this run could have seen, by the test that speaks."""
    by = "rank" if facts.several_keys else "count"
    return facts.find("trained", "smallest_share", by=by)


def _headline(state: State, facts: Facts) -> str:
    title = facts.title
    if state == "untrusted":
        return (
            f"Do not trust this run: images that the model never saw are not at chance ({title}). "
            "Look for held-out images, or copies of them, in the training data, and audit again "
            "with another seed."
        )
    if state == "memorized":
        return _memorized(facts)
    if state == "weak":
        return (
            f"{title} is too weak for these images: it cannot read the keys even from a model "
            "that has memorized all of them. That it sees nothing here means nothing."
        )
    if state == "unclear":
        return (
            f"A hint of memorization, but no proof: {title} is above chance, yet luck alone does "
            "this too often. More images or more repeats would decide it."
        )
    if state == "too_few":
        return (
            "This run is too small to answer: no memorization was seen, but it would hardly have "
            "been seen if it were there. Mark and audit more images."
        )
    return _not_seen(facts)


def _memorized(facts: Facts) -> str:
    named = facts.named
    if named is not None and _names_more(facts):
        return (
            f"The model has memorized training images: {named['count']} of {named['n']} can be "
            f"named one by one; {sentences.wrong(named)}."
        )
    least = facts.least_share
    share = f"at least {at_least(least)}" if least >= 0.001 else "some"
    unnamed = facts.several_keys and not (facts.find("trained", "named") or {}).get("count")
    but = ", none of them strongly enough to be named" if unnamed else ""
    return f"The model has memorized {share} of its training images{but}."


def _names_more(facts: Facts) -> bool:
    """Whether the list of named images is what there is to say.

    With one key it must be longer than the counts can vouch for; with several it is the point.
    """
    named = facts.named
    if named is None:
        return False
    return facts.several_keys or named["count"] / named["n"] > facts.least_share


def _not_seen(facts: Facts) -> str:
    row = _smallest(facts) or {}
    text = (
        "No memorization seen. This run would have seen it, four times in five, had at least "
        f"{percent(row['value'])} of the images been memorized "
    )
    if facts.several_keys:
        return text + f"as well as {facts.title} reads an ideal model that memorized all of them."
    text += f"well enough to be read within {row.get('delta') or DELTA:g}"
    reads = (facts.find("ceiling", "eidetic") or {}).get("value")
    if reads and reads < 0.9:
        text += (
            f". That is a bound with a dull reader, which reads only {percent(reads)} of the "
            "images even from a model that has memorized all of them"
        )
    return text + "."


def _disagreement(found: Sequence[ReaderVerdict]) -> tuple[str, ...]:
    """What it means that two readers, which ask two questions, give two answers."""
    knows = [v for v in found if v.reader in ("energy", "blend", "gradient", "linear")]
    draws = [v for v in found if v.reader in words.DRAWING]
    if not knows or not draws:
        return ()
    first, drawn, quiet = knows[0], draws[0], ("not_seen", "weak", "too_few", "unclear")
    asked = "told the caption" if drawn.reader == "recall" else "shown the picture"
    if first.state == "memorized" and drawn.state in quiet:
        return (
            f"{drawn.title} does not see it: the model knows these pictures in their frames, but "
            f"was not seen to draw the frame when {asked}. The two ask different questions.",
        )
    if drawn.state == "memorized" and first.state in quiet:
        return (
            f"{first.title} does not see it: the model draws the frame when {asked}, "
            "although it does not tell the picture in its frame from others. The two ask "
            "different questions.",
        )
    return ()
