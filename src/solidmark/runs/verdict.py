"""What a run has come to: one shape for `results.json`, every page, `--json` and Python."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from solidmark.errors import BadInput, UnknownName

Judged = Literal["do-not-trust", "memorized", "hint", "cannot-be-judged", "not-seen", "failed"]
"""What a command that judges can come to. "hint" is also what points at no image for certain:
averages that are known, plain pictures that are close, a signal of training. "failed" means that
nothing could be scored."""

Tone = Literal["memorized", "unclear", "not_seen", "untrusted", "plain"]

TONES: Mapping[str, Tone] = {
    "do-not-trust": "untrusted",
    "memorized": "memorized",
    "hint": "unclear",
    "cannot-be-judged": "untrusted",
    "not-seen": "not_seen",
    "failed": "untrusted",
}
"""The colour of each state. Green is "not-seen" alone, and it is given only where something could
have been seen."""

VERDICTS: tuple[str, ...] = get_args(Judged)
STATES = (*VERDICTS, "refused", "passed", "done", "planned", "unfinished")
"""Those, and what other commands come to: those of `guard`; "done"; "planned" (--dry-run);
"unfinished" (of `inspect`: a folder whose command was stopped)."""


@dataclass(frozen=True)
class Finding:
    """What one measure, reader or signal says.

    Arguments:
        name: Its name.
        title: Its name on the page.
        asks: What it asks.
        state: What it has come to, of `VERDICTS`.
        label: The same in a word or two.
        headline: The same in a sentence.
        details: The sentences that back it.
        outcome: The state as the measure itself calls it.
    """

    name: str
    title: str
    asks: str
    state: str
    label: str
    headline: str
    details: tuple[str, ...] = ()
    outcome: str = ""

    @property
    def tone(self) -> Tone:
        """The colour of its badge."""
        return TONES.get(self.state, "plain")


@dataclass(frozen=True)
class Verdict:
    """What a command has come to.

    Arguments:
        state: One of `STATES`.
        headline: In a sentence.
        label: In a word or two.
        details: The sentences that back it.
        finding: The state as the measure itself calls it, where it has names of its own.
        rule: How it was reached, fixed before looking.
        findings: What each measure, reader or signal says.
        naming: Which of these may name images.
        others: Verdicts beside it, by what they are of: the InvMM run in an audit, the two runs of
            a comparison.
    """

    state: str
    headline: str
    label: str = ""
    details: tuple[str, ...] = ()
    finding: str = ""
    rule: str = ""
    findings: tuple[Finding, ...] = ()
    naming: tuple[str, ...] = ()
    others: "Mapping[str, Verdict]" = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.state not in STATES:
            raise UnknownName("state of a verdict", self.state, STATES)

    @property
    def tone(self) -> Tone:
        """The colour of its badge."""
        return TONES.get(self.state, "plain")

    def is_any(self, states: Sequence[str]) -> bool:
        """Whether it, or a verdict beside it, is one of some states."""
        return self.state in states or any(one.is_any(states) for one in self.others.values())

    def to_json(self) -> dict[str, Any]:
        """As it stands under "verdict"."""
        return {
            "state": self.state,
            "headline": self.headline,
            "label": self.label,
            "details": list(self.details),
            "finding": self.finding,
            "rule": self.rule,
            "findings": [asdict(one) | {"details": list(one.details)} for one in self.findings],
            "naming": list(self.naming),
            "others": {name: other.to_json() for name, other in self.others.items()},
        }


def verdict_from(found: Any, path: object = "results.json") -> Verdict:
    """The verdict from what `to_json` gave.

    Raises:
        BadInput: When it is none.
    """
    try:
        kept = dict(found)
        parts = [{**one, "details": tuple(one["details"])} for one in kept.pop("findings")]
        others = {name: verdict_from(one, path) for name, one in kept.pop("others").items()}
        lists = {name: tuple(map(str, kept.pop(name))) for name in ("details", "naming")}
        texts = {name: str(value) for name, value in kept.items()}
        findings = tuple(Finding(**one) for one in parts)
        return Verdict(**texts, **lists, findings=findings, others=others)  # type: ignore[arg-type]
    except (KeyError, TypeError, ValueError, AttributeError, UnknownName) as error:
        raise BadInput(f'"{path}" holds no verdict that can be read. Score it again.') from error
