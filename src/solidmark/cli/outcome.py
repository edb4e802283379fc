"""What a command has come to: one shape for every `--json`, and the exit codes.

Exit codes: 0 = done; 1 = a fault of ours, with a trace; 2 = something the user can mend, in one
line; 3 = `guard` refuses an image, or the verdict is one that `--fail-on` names; 130 = interrupted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

REFUSED = 3
"""The exit code of an answer that must not pass unseen."""

CODES = """Exit codes: 0 = done; 1 = a fault of ours; 2 = something you can mend, said in one line;
3 = guard refuses an image, or the verdict is one that --fail-on names; 130 = interrupted."""

VERDICTS = ("do-not-trust", "memorized", "hint", "not-seen", "cannot-be-judged", "failed")
"""What a command that judges can come to. "hint" is also what points at no image for certain:
averages that are known, plain pictures that are close, a signal of training. "failed" means that
nothing could be scored."""

STATES = (*VERDICTS, "refused", "passed", "done", "planned", "unfinished")
"""Those, and what other commands come to: those of `guard`; "done"; "planned" (--dry-run);
"unfinished" (of `inspect`: a folder whose command was stopped)."""


@dataclass(frozen=True)
class Outcome:
    """What a command has come to.

    Arguments:
        state: One of `STATES`.
        headline: In a sentence.
        label: In a word or two, as on the page.
        details: The sentences that back it.
        finding: The state as the measure itself calls it, where it has names of its own.
        others: Verdicts beside it, by what they are of: the InvMM run in an audit, the two runs of
            a comparison.
    """

    state: str
    headline: str
    label: str = ""
    details: tuple[str, ...] = ()
    finding: str = ""
    others: "Mapping[str, Outcome]" = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As it stands under "verdict"."""
        return {
            "state": self.state,
            "headline": self.headline,
            "label": self.label,
            "details": list(self.details),
            "finding": self.finding,
            "others": {name: other.to_json() for name, other in self.others.items()},
        }

    def is_any(self, states: Sequence[str]) -> bool:
        """Whether it, or a verdict beside it, is one of some states."""
        return self.state in states or any(one.is_any(states) for one in self.others.values())
