"""The verdict on what prompts bring back: what comes that nobody asked for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from solidmark.runs import Figure, Verdict, find
from solidmark.scores import clopper_pearson
from solidmark.scores.control import Control
from solidmark.scores.written import at_most, percent, percents, plain, plural
from solidmark.verdicts.control import Sides, area, warning

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "unintended": ("memorized", "Unintended memorization"),
    "intended": ("memorized", "Intended memorization only"),
    "any": ("hint", "Copies, and no prompt that brings them"),
    "other_kind": ("cannot-be-judged", "Cannot be judged"),
    "too_few": ("cannot-be-judged", "Cannot be judged"),
    "nothing": ("not-seen", "No memorization seen"),
    "failed": ("failed", "Nothing could be judged"),
}
"""What prompts come to: as all commands call it, and in a word or two."""

TYPES: Mapping[str, str] = {
    "unintended": "unintended",
    "implicit": "implicit intended",
    "explicit": "explicit intended",
    "not memorized": "not memorized",
}
"""The paper's names of the types; "not memorized" is ours."""

OTHER_KIND = (
    "Cannot be judged: the training pictures under the unrelated prompts are of another kind than "
    "those under the prompts asked about (without the model they are told apart with an area of "
    "{area}), so what comes more often than anyhow may be that difference alone."
)
WITHHELD = (
    "Withheld: {findings}. Classes and phrases are judged by what comes under unrelated prompts, "
    "and those are of another kind. That a single training picture comes again is judged by pairs "
    "of training pictures, and stands."
)
TOO_FEW = (
    "Cannot be judged: with so few generations of a prompt, or without a threshold that is known "
    "to hold, not even a picture that comes every time would have been seen. --per-prompt draws "
    "more."
)
RULE = (
    "Memorized is what comes in at least {} of the generations of a prompt and more than anyhow; a "
    "copy of one training picture also where it comes whatever is asked. It is explicit where the "
    "prompt names it, implicit where an entity of the prompt brings it (without the entity it is "
    "clearly rarer, in other prompts with the entity it comes too), and else unintended."
)
SIDES = Sides(
    "asked-about",
    "unrelated",
    "Name unrelated prompts about pictures of the same kind (--unrelated-prompts), or let them be "
    "drawn from the captions. --trust-control judges all the same, under a warning.",
)
"""What both sides of the control are called."""


@dataclass(frozen=True, kw_only=True)
class Brought:
    """What the prompts of a run have brought back.

    Arguments:
        figures: The counts by type.
        against: How many prompts bring back what is not intended.
        asked_for: How many others bring back what is.
        copies: How many generations are copies of any training picture, whole prompts' only.
        drawn: Of how many.
        frequent: The least share of a prompt's generations that counts as frequent.
        reach: The share of a prompt's generations that would have been seen; None where not even
            all would.
        expected: How many memorized findings the user's file expects.
        unexpected: How many it says are not expected.
        overruled: Of how many it overrules the type.
        likeness: From which likeness a generation is a copy; None where none is known.
        rate: How many pairs of different training pictures reach it too, at most.
        pairs: How many such pairs there were.
        note: What must be known of the threshold.
        unrelated: How many unrelated prompts were asked about.
        failed: How many generations could not be used.
        broken: How many training pictures could not be read.
        control: Whether the unrelated prompts are about pictures of the same kind.
        withheld: How many findings that withholds.
    """

    figures: Sequence[Figure] = field(repr=False)
    against: int
    asked_for: int
    copies: int
    drawn: int
    frequent: float
    reach: float | None
    expected: int = 0
    unexpected: int = 0
    overruled: int = 0
    likeness: float | None = None
    rate: float | None = None
    pairs: int | None = None
    note: str | None = None
    unrelated: int = 0
    failed: int = 0
    broken: int = 0
    control: Control | None = None
    withheld: int = 0

    def of(self, type: str) -> Figure | None:
        """The counts of a type, of all findings."""
        some = find(self.figures, type, "all")
        return next((one for one in some if one.facts.get("kind") == "all"), None)

    @property
    def judged(self) -> int:
        """How many prompts have a generation that could be used."""
        found = self.of("explicit")
        return int(found.number("prompts_n") or 0) if found else 0


def judge_intent(found: Brought) -> Verdict:
    """Puts what prompts bring back into a verdict.

    What the user's file says of a finding goes before its type.

    Arguments:
        found: What they bring back.
    """
    outcome = _outcome(found)
    state, label = OUTCOMES[outcome]
    details = tuple(filter(None, _details(found, outcome)))
    rule = RULE.format(percent(found.frequent))
    return Verdict(state, _headline(outcome, found), label, details, outcome, rule)


def _outcome(found: Brought) -> str:
    if not found.judged:
        return "failed"
    if found.against:
        return "unintended"
    if found.asked_for:
        return "intended"
    if found.control is not None and found.control.is_other:
        return "other_kind"
    # Copies of any training pictures are as frequent as one picture must be.
    if 0 < found.copies >= found.frequent * found.drawn:
        return "any"
    return "too_few" if found.reach is None else "nothing"


def _headline(outcome: str, found: Brought) -> str:
    judged, against, asked_for = found.judged, found.against, found.asked_for
    if outcome == "failed":
        return "No prompt has a generation that could be used."
    if outcome == "unintended":
        return (
            f"{_of(against, judged)} {'brings' if against == 1 else 'bring'} back what nobody "
            f"asked for{_between(against, judged)}."
        )
    if outcome == "intended":
        return (
            f"What {_of(asked_for, judged)} bring{'s' * (asked_for == 1)} back is what the prompt "
            "asks for or implies."
        )
    if outcome == "other_kind" and found.control is not None:
        return OTHER_KIND.format(area=area(found.control))
    if outcome == "any":
        return (
            f"{found.copies:,} of {plural(found.drawn, 'generation')} are copies of training "
            "pictures, and no prompt brings one more than others do: the model gives back what it "
            "was trained on, or draws what is near to many pictures, whatever it is told."
        )
    if outcome == "too_few":
        return TOO_FEW
    return (
        f"None of {plural(judged, 'prompt')} brings back a training picture, or a look that was "
        f"learned by heart{_between(0, judged)}."
    )


def _details(found: Brought, outcome: str) -> Iterator[str]:
    """What backs it, in sentences; some are empty."""
    if outcome == "nothing":
        yield (
            f"What this cannot see: what comes in fewer than {percent(found.reach or 0.0)} of the "
            "generations of a prompt, changed copies that the likeness does not recognise, other "
            "prompts than these, and anything at all of a model that draws blurs."
        )
    yield warning(found.control, SIDES)
    if found.control is not None and found.control.is_shut:
        yield WITHHELD.format(findings=plural(found.withheld, "finding"))
    counted = [(type, found.of(type)) for type in TYPES if type != "not memorized"]
    parts = [
        f"{TYPES[type]} in {plural(int(one.number('prompts') or 0), 'prompt')} "
        f"({plural(one.count, 'finding')})"
        for type, one in counted
        if one is not None and one.count
    ]
    if parts and found.judged:
        yield f"By type: {', '.join(parts)}."
    if found.expected + found.unexpected:
        yield (
            f"The user's file expects {found.expected:,} of these findings and does not expect "
            f"{found.unexpected:,}; it overrules the type of {found.overruled:,}."
        )
    yield _chance(found)
    if not found.unrelated:
        yield (
            "No unrelated prompts were asked about, so nothing says what comes anyhow: classes and "
            "phrases cannot be judged. Give more captions, or --unrelated-prompts."
        )
    lost = [f"{plural(found.failed, 'generation')} could not be used"] * bool(found.failed)
    lost += [f"{plural(found.broken, 'training image')} could not be read"] * bool(found.broken)
    if lost:
        yield f"{' and '.join(lost)}, and count nowhere."


def _chance(found: Brought) -> str:
    """From which likeness on a generation is a copy, and how many pairs of others reach it."""
    if found.likeness is None:
        return found.note or ""
    above = f"from a likeness of {plain(found.likeness, 3)} on"
    if found.rate is None or not found.pairs:
        return f"A generation counts as a copy of a training picture {above}."
    return (
        f"A generation counts as a copy of a training picture {above}, which at most "
        f"{at_most(found.rate)} of {found.pairs:,} pairs of different training pictures reach too. "
        f"{found.note or ''}"
    ).strip()


def _of(count: int, n: int) -> str:
    return f"{count:,} of {plural(n, 'prompt')}"


def _between(count: int, n: int) -> str:
    """The share of prompts that this speaks for, as an aside."""
    low, high = clopper_pearson(count, n)
    share = f"{percent(count / n)} of prompts, " if count else ""
    return f" ({share}95 % interval {percents(low, high)})"
