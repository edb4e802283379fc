"""The verdict of an audit: from its figures to sentences that can be defended.

The rule, fixed before looking: a reader sees memorization when one of two tests over the trained
images is significant: all keys together, exchanged among peers, and Simes's test, which is the list
of names. The same two tests on the held-out images decide whether the run can be trusted at all.
All tests of all readers share one level (`scores.level`): a run in which nothing is memorized is
called memorized once in a hundred at most, and as rarely is a sound run called untrustworthy.
"""

from collections.abc import Mapping, Sequence

from solidmark.runs import Figure, Finding, Verdict
from solidmark.scores.level import ALPHA, HINT, level_of, shares_of
from solidmark.scores.written import at_least, at_most, percent
from solidmark.verdicts import key_sentences as sentences
from solidmark.verdicts.key_facts import Facts
from solidmark.verdicts.known import Unknown
from solidmark.verdicts.readers import DRAWING, KNOWING, ORDER, reader
from solidmark.verdicts.words import because

MEASURE = "solidmark"

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "untrusted": ("do-not-trust", "Do not trust this run"),
    "memorized": ("memorized", "Memorized"),
    "unclear": ("hint", "A hint, no proof"),
    "averages": ("hint", "Averages known"),
    "not_seen": ("not-seen", "No memorization seen"),
    "unknown": ("cannot-be-judged", "Cannot be judged"),
    "unmeasured": ("cannot-be-judged", "Cannot be judged"),
    "too_few": ("cannot-be-judged", "Too few images"),
    "weak": ("cannot-be-judged", "Reader too weak"),
    "failed": ("failed", "Nothing scored"),
}
"""What a reader comes to, the most pressing first: as all commands call it, and in a word or two.
Only `not_seen` is green, and it is given only where something could have been seen."""

QUIET = frozenset(OUTCOMES) - {"untrusted", "memorized", "failed"}
"""The states in which a reader does not see that an image is memorized."""


def judge_keys(
    figures: Sequence[Figure],
    reasons: Mapping[str, str] | None = None,
    unknown: Unknown | None = None,
    mirror: str = "",
    changed: str = "",
    look: int | None = None,
) -> Verdict:
    """Puts the figures of an audit into a verdict, with a finding a reader.

    Arguments:
        figures: The figures; those of other measures do not count.
        reasons: The most common reason of failure of each reader, where one is known.
        unknown: Why the model does not know pictures like these at all, where it does not.
        mirror: What a green verdict must add of mirror images; empty where there is nothing.
        changed: What each verdict that sees nothing must say of pictures that were changed.
        look: Which of several looks at one training it is (`scores.shares_of`); None of a run that
            is the only one.

    Returns:
        The verdict. The most pressing state among the readers decides; within a state, the
        default reader.
    """
    figures = [one for one in figures if one.measure == MEASURE]
    scored = {one.reader for one in figures if one.reader}
    order = sorted(
        scored | set(reasons or {}),
        key=lambda name: (ORDER.index(name) if name in ORDER else len(ORDER), name),
    )
    if not order:
        return Verdict("failed", "This run has no results.", "Nothing scored", finding="failed")
    count = max(len(scored), 1) * shares_of(look)
    found = tuple(
        _judge(
            Facts(name, [one for one in figures if one.reader == name], count),
            reasons or {},
            unknown,
            mirror,
            changed,
        )
        for name in order
    )
    pressing = [*OUTCOMES]
    first = min(found, key=lambda one: (pressing.index(one.outcome), order.index(one.name)))
    # With several readers, each has its own details; the page shows them beside each other.
    details = first.details if len(found) == 1 else first.details[:2] + _disagreement(found)
    rule = (
        "A reader sees memorization when the permutation test of all trained images, or the "
        f"smallest p among them (Simes), is below {level_of(count):.2g}: a run in which nothing is "
        f"memorized is called memorized at most once in {round(1 / ALPHA)}"
        + (f", all looks together: this is look {look}." if look else ".")
    )
    return Verdict(
        first.state,
        first.headline,
        first.label,
        details,
        first.outcome,
        rule,
        found,
        naming=tuple(one.name for one in found if one.state == "memorized"),
    )


def _judge(
    facts: Facts, reasons: Mapping[str, str], unknown: Unknown | None, mirror: str, changed: str
) -> Finding:
    if not facts.n("trained"):
        return _failed(facts, reasons.get(facts.reader, ""))
    state = _state(facts, unknown is not None)
    control, seen = sentences.held_out(facts), sentences.read(facts)
    exchange, share = sentences.exchange(facts), sentences.share(facts)
    if state == "untrusted":
        first = [control, seen, exchange]
    elif state == "memorized" and facts.named is not None:
        first = [exchange, control, share, "" if facts.several_keys else seen]
    elif state == "unknown" and unknown is not None:
        first = [*unknown.details, control]
    elif state == "not_seen":
        first = [sentences.blind_spots(facts), mirror, exchange, control]
    else:
        first = [exchange, control, share if state == "memorized" else "", seen]
    details = [
        changed if state in QUIET else "",
        *first,
        sentences.claim(facts),
        sentences.subjects(facts),
        sentences.averages(facts, state == "averages"),
        sentences.reference(facts),
        sentences.failures(facts),
        sentences.few(facts),
    ]
    kept = tuple(dict.fromkeys(filter(None, details)))
    return _finding(facts, state, _headline(state, facts, unknown), kept)


def _finding(facts: Facts, state: str, headline: str, details: tuple[str, ...]) -> Finding:
    words = reader(facts.reader)
    about = (facts.reader, words.title, words.asks, *OUTCOMES[state])
    return Finding(*about, headline, details, outcome=state)


def _failed(facts: Facts, reason: str) -> Finding:
    lost = facts.failed
    detail = f"{lost} rows of trained images failed." if lost else "No row could be scored."
    headline = f"{facts.title} could score nothing: this run says nothing about memorization."
    return _finding(
        facts, "failed", headline, tuple(filter(None, (detail, because(reason).strip())))
    )


def _state(facts: Facts, unknown: bool) -> str:
    best = facts.p("trained")
    if facts.is_off:
        return "untrusted"
    if best < level_of(facts.readers):
        return "memorized"
    if facts.n("ceiling") and facts.p("ceiling") >= ALPHA:
        return "weak"
    if best < level_of(facts.readers, HINT):
        return "unclear"
    if facts.averages is not None:
        return "averages"
    if unknown:
        return "unknown"
    if not facts.n("ceiling"):
        return "unmeasured"
    if facts.smallest is None or facts.smallest >= 0.5:
        return "too_few"
    return "not_seen"


def _headline(state: str, facts: Facts, unknown: Unknown | None) -> str:
    title = facts.title
    if state == "untrusted":
        return (
            f"Do not trust this run: images that the model never saw are not at chance ({title}). "
            "Look for held-out images, or copies of them, in the training data, and audit again "
            "with another seed."
        )
    if state == "memorized":
        return _memorized(facts)
    if state == "unknown" and unknown is not None:
        return unknown.headline
    if state == "weak":
        return (
            f"Cannot be judged: {title} is too weak for these images. It cannot read the keys even "
            "from a model that has memorized all of them, so that it sees nothing here means "
            "nothing."
        )
    if state == "unclear":
        return (
            f"A hint of memorization, but no proof: {title} is above chance, yet luck alone does "
            f"this in up to {percent(HINT)} of runs. More images or more repeats would decide it."
        )
    if state == "averages" and facts.averages is not None:
        return (
            "No single image is seen to be memorized, but the model knows what groups of training "
            f"images have in common: {sentences.averages_known(facts.averages)}."
        )
    if state == "unmeasured":
        return (
            f"Cannot be judged: {title} sees no memorization, but whether it could have seen any "
            "was not measured (--no-ceiling). Audit again without that option."
        )
    if state == "too_few":
        return (
            "This run is too small to answer: no memorization was seen, but it would hardly have "
            "been seen if it were there. Mark and audit more images."
        )
    return (
        "No memorization seen. This run would have seen it, four times in five, had at least "
        f"{at_most(facts.smallest or 1.0)} of the images been memorized as well as {title} reads "
        "an ideal model that memorized all of them."
    )


def _memorized(facts: Facts) -> str:
    named = facts.named
    if named is not None:
        return (
            f"The model has memorized training images: {sentences.counted(named)} can be "
            f"named one by one; {sentences.wrong(named)}."
        )
    least = facts.least_share
    share = f"at least {at_least(least)}" if least >= 0.001 else "some"
    return (
        f"The model has memorized {share} of its training images, none of them strongly enough to "
        "be named."
    )


def _disagreement(found: Sequence[Finding]) -> tuple[str, ...]:
    """What it means that two readers, which ask two questions, give two answers."""
    knows = [one for one in found if one.name in KNOWING]
    draws = [one for one in found if one.name in DRAWING]
    if not knows or not draws:
        return ()
    first, drawn = knows[0], draws[0]
    asked = "told the caption" if drawn.name == "recall" else "shown the picture"
    if first.state == "memorized" and drawn.outcome in QUIET:
        return (
            f"{drawn.title} does not see it: the model knows these pictures in their frames, but "
            f"was not seen to draw the frame when {asked}. The two ask different questions.",
        )
    if drawn.state == "memorized" and first.outcome in QUIET:
        return (
            f"{first.title} does not see it: the model draws the frame when {asked}, "
            "although it does not tell the picture in its frame from others. The two ask "
            "different questions.",
        )
    return ()
