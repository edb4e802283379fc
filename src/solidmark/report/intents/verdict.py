"""The verdict on an `intent` run: what comes back that nobody asked for."""

from collections.abc import Callable
from dataclasses import dataclass

from solidmark.report.control import control_in
from solidmark.report.groups.sheet import plural
from solidmark.report.intents import words
from solidmark.report.intents.run import TYPES, IntentRun
from solidmark.report.numbers import at_most, percent, percents, plain
from solidmark.scores import clopper_pearson
from solidmark.verdicts.control import area, warning


@dataclass(frozen=True)
class IntentVerdict:
    """What the board says first.

    Arguments:
        state: "unintended", "intended", "other_kind", "any", "too_few", "nothing" or "failed".
        headline: In a sentence.
        details: What else must be known.
    """

    state: str
    headline: str
    details: tuple[str, ...]

    @property
    def label(self) -> str:
        return {
            "unintended": "Unintended memorization",
            "intended": "Intended memorization only",
            "any": "Copies, and no prompt that brings them",
            "other_kind": "Cannot be judged",
            "too_few": "Cannot be judged",
            "nothing": "No memorization seen",
            "failed": "Nothing could be judged",
        }[self.state]

    @property
    def tone(self) -> str:
        """The colour of the page."""
        return {
            "unintended": "memorized",
            "intended": "plain",
            "any": "unclear",
            "other_kind": "untrusted",
            "too_few": "unclear",
            "nothing": "not_seen",
            "failed": "untrusted",
        }[self.state]


def intent_verdict(run: IntentRun) -> IntentVerdict:
    """Puts the findings of an `intent` run into sentences.

    What the user's file says of a finding goes before its type.

    Arguments:
        run: The run.
    """
    control = control_in(run.results)
    memorized = [row for row in run.findings if row["type"] != "not memorized"]
    against = {row["prompt"] for row in memorized if row["intended"] == "no"}
    asked_for = {row["prompt"] for row in memorized} - against
    if not run.judged:
        state, headline = "failed", "No prompt has a generation that could be used."
    elif against:
        bring = "brings" if len(against) == 1 else "bring"
        state = "unintended"
        headline = (
            f"{_of(len(against), run.judged)} {bring} back what nobody asked for"
            f"{_between(len(against), run.judged)}."
        )
    elif asked_for:
        state = "intended"
        headline = (
            f"What {_of(len(asked_for), run.judged)} bring{'s' * (len(asked_for) == 1)} back is "
            "what the prompt asks for or implies."
        )
    elif control is not None and control.is_other:
        state, headline = "other_kind", words.OTHER_KIND.format(area=area(control))
    elif _gives_back(run):
        copies, drawn = run.copies
        state = "any"
        headline = (
            f"{copies:,} of {plural(drawn, 'generation')} are copies of training pictures, and no "
            "prompt brings one more than others do: the model gives back what it was trained on, "
            "or draws what is near to many pictures, whatever it is told."
        )
    elif "reach" in run.results and run.results["reach"] is None:
        state, headline = "too_few", words.TOO_FEW
    else:
        state = "nothing"
        headline = (
            f"None of {plural(run.judged, 'prompt')} brings back a training picture, or a look "
            f"that was learned by heart{_between(0, run.judged)}."
        )
    told: tuple[Callable[[IntentRun], str], ...] = (
        *(_trusted, _withheld, _types, _user, _chance, _unrelated, _lost),
    )
    details = [said for tell in told if (said := tell(run))]
    if state == "nothing":
        details.insert(0, _unseen(run))
    return IntentVerdict(state, headline, tuple(details))


def _trusted(run: IntentRun) -> str:
    """The warning of a control that is trusted although it is of another kind."""
    return warning(control_in(run.results), words.SIDES)


def _withheld(run: IntentRun) -> str:
    control, count = control_in(run.results), int(run.results.get("withheld") or 0)
    if control is None or not control.is_shut:
        return ""
    return words.WITHHELD.format(findings=plural(count, "finding"))


def _unseen(run: IntentRun) -> str:
    """What a green verdict cannot see, in one sentence."""
    reach = run.results.get("reach")
    rare = "what comes rarely" if reach is None else f"what comes in fewer than {percent(reach)}"
    return (
        f"What this cannot see: {rare} of the generations of a prompt, changed copies that the "
        "likeness does not recognise, other prompts than these, and anything at all of a model "
        "that draws blurs."
    )


def _gives_back(run: IntentRun) -> bool:
    """Whether copies of any training pictures are as frequent as one picture must be."""
    copies, drawn = run.copies
    return 0 < copies >= float(run.scoring.get("frequent") or 1.0) * drawn


def _types(run: IntentRun) -> str:
    """Counts of findings by type."""
    counted = [(type, run.row(type)) for type in TYPES if type != "not memorized"]
    parts = [
        f"{words.LABELS[type]} in {plural(int(row['prompts']), 'prompt')} "
        f"({plural(int(row['count']), 'finding')})"
        for type, row in counted
        if row.get("count")
    ]
    return f"By type: {', '.join(parts)}." if parts and run.judged else ""


def _user(run: IntentRun) -> str:
    """What the user's file changed."""
    said = [row for row in run.findings if row["expected"] and row["type"] != "not memorized"]
    if not said:
        return ""
    yes = sum(row["expected"] == "yes" for row in said)
    changed = sum((row["expected"] == "yes") == (row["type"] == "unintended") for row in said)
    return (
        f"The user's file expects {yes:,} of these findings and does not expect "
        f"{len(said) - yes:,}; it overrules the type of {changed:,}."
    )


def _chance(run: IntentRun) -> str:
    found = run.calibration
    if found.get("threshold") is None:
        return str(found.get("note") or "")
    above = f"from a likeness of {plain(found['threshold'], 3)} on"
    if found.get("rate") is None or not found.get("pairs"):
        return f"A generation counts as a copy of a training picture {above}."
    said = (
        f"A generation counts as a copy of a training picture {above}, which at most "
        f"{at_most(found['rate'])} of {found['pairs']:,} pairs of different training pictures "
        "reach too."
    )
    return f"{said} {found['note']}" if found.get("note") else said


def _unrelated(run: IntentRun) -> str:
    if run.results.get("unrelated"):
        return ""
    return (
        "No unrelated prompts were asked about, so nothing says what comes anyhow: classes and "
        "phrases cannot be judged. Give more captions, or --unrelated-prompts."
    )


def _lost(run: IntentRun) -> str:
    parts = []
    if failed := int(run.results.get("failed") or 0):
        parts.append(f"{plural(failed, 'generation')} could not be used")
    if broken := len(run.results.get("quarantined") or ()):
        parts.append(f"{plural(broken, 'training image')} could not be read")
    return f"{' and '.join(parts)}, and count nowhere." if parts else ""


def _of(count: int, n: int) -> str:
    return f"{count:,} of {plural(n, 'prompt')}"


def _between(count: int, n: int) -> str:
    """The share of prompts that this speaks for, as an aside."""
    low, high = clopper_pearson(count, n)
    share = f"{percent(count / n)} of prompts, " if count else ""
    return f" ({share}95 % interval {percents(low, high)})"
