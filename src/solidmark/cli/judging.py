"""The verdict of a folder, whichever command made it, in the words that all commands share."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from solidmark.cli.outcome import Outcome
from solidmark.errors import NotFound


class Said(Protocol):
    """A verdict of a page."""

    @property
    def label(self) -> str: ...
    @property
    def headline(self) -> str: ...
    @property
    def details(self) -> tuple[str, ...]: ...


AUDIT = {
    "untrusted": "do-not-trust",
    "memorized": "memorized",
    "unclear": "hint",
    "averages": "hint",
    "not_seen": "not-seen",
    "unknown": "cannot-be-judged",
    "unmeasured": "cannot-be-judged",
    "too_few": "cannot-be-judged",
    "weak": "cannot-be-judged",
    "failed": "failed",
}
INTENT = {
    "unintended": "memorized",
    "intended": "memorized",
    "any": "hint",
    "other_kind": "cannot-be-judged",
    "too_few": "cannot-be-judged",
    "nothing": "not-seen",
    "failed": "failed",
}
CLIQUES = {
    "memorized": "hint",
    "unclear": "hint",
    "not_seen": "not-seen",
    "untrusted": "cannot-be-judged",
}
"""By the colour of the page. Whether what comes back is a training image, `nearest` says."""


def outcome_of(folder: Path) -> Outcome | None:
    """The verdict of a folder, as it stands on its page.

    Arguments:
        folder: The folder of a finished run that is scored.

    Returns:
        The verdict; None where its command judges nothing, or it is not scored yet.

    Raises:
        RunConflict: When the run is not finished.
        BadInput: When one of its files cannot be read.
    """
    from solidmark.runs import read_manifest

    judge = JUDGES.get(read_manifest(folder)["command"])
    if judge is None or not (folder / "results.json").is_file():
        return None
    return judge(folder)


def judged(folder: Path) -> Outcome:
    """The same where there must be one.

    Raises:
        NotFound: When there is none.
    """
    found = outcome_of(folder)
    if found is None:
        raise NotFound(f'"{folder}" holds no verdict. Run "solidmark score {folder}" first.')
    return found


def _outcome(said: Said, finding: str, states: Mapping[str, str]) -> Outcome:
    return Outcome(states[finding], said.headline, said.label, tuple(said.details), finding)


def _audit(folder: Path) -> Outcome:
    from dataclasses import replace

    from solidmark.report.folder import open_audit
    from solidmark.report.page import verdict_of

    said = verdict_of(open_audit(folder))
    found = _outcome(said, said.state, AUDIT)
    inner = folder / "invmm"
    if not (inner / "results.json").is_file():
        return found
    return replace(found, others={"invmm": _read(inner)})


def _read(folder: Path) -> Outcome:
    from solidmark.runs import read_verdict

    return read_verdict(folder)


def _intent(folder: Path) -> Outcome:
    from solidmark.report import intent_verdict
    from solidmark.report.intents.run import open_intent_run

    said = intent_verdict(open_intent_run(folder))
    return _outcome(said, said.state, INTENT)


def _cliques(folder: Path) -> Outcome:
    from solidmark.report.groups import cliques_verdict

    said = cliques_verdict(folder)
    return _outcome(said, said.tone, CLIQUES)


JUDGES: Mapping[str, Callable[[Path], Outcome]] = {
    "audit": _audit,
    "nearest": _read,
    "inpaint": _read,
    "signals": _read,
    "invmm": _read,
    "intent": _intent,
    "cliques": _cliques,
}
"""How the verdict of each command is read, by the command in the manifest."""
