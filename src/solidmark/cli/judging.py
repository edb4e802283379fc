"""The verdict of a folder, whichever command made it: the one that stands in its results."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from solidmark.errors import NotFound
from solidmark.runs import RESULTS, Verdict, open_results, read_manifest


def verdict_of(folder: Path) -> Verdict | None:
    """The verdict of a folder, as it stands in `results.json`.

    Arguments:
        folder: The folder of a finished run.

    Returns:
        The verdict; None where its command judges nothing, or it is not scored yet.

    Raises:
        RunConflict: When the run is not finished.
        BadInput: When one of its files cannot be read.
    """
    command = read_manifest(folder)["command"]
    if command not in JUDGING or not (folder / RESULTS).is_file():
        return None
    if command in PAGES:
        return PAGES[command](folder)
    found = open_results(folder).verdict
    inner = folder / "invmm"
    if found is None or "invmm" in found.others or not (inner / RESULTS).is_file():
        return found
    return replace(found, others={"invmm": _invmm(inner)})


def judged(folder: Path) -> Verdict:
    """The same where there must be one.

    Raises:
        NotFound: When there is none.
    """
    found = verdict_of(folder)
    if found is None:
        raise NotFound(f'"{folder}" holds no verdict. Run "solidmark score {folder}" first.')
    return found


# From here on: verdicts that are still made when they are read.


class Said(Protocol):
    """A verdict of a page."""

    @property
    def label(self) -> str: ...
    @property
    def headline(self) -> str: ...
    @property
    def details(self) -> tuple[str, ...]: ...


CLOSENESS = {
    "other_kind": "cannot-be-judged",
    "close": "memorized",
    "plain": "hint",
    "unclear": "hint",
    "nothing": "not-seen",
    "too_few": "cannot-be-judged",
    "no_null": "cannot-be-judged",
    "failed": "failed",
}
SIGNALS = {**CLOSENESS, "close": "hint"}
"""That training left a trace is no memory yet."""

INVERSIONS = {**CLOSENESS, "memorized": "memorized"}


def _outcome(said: Said, finding: str, states: Mapping[str, str]) -> Verdict:
    return Verdict(states[finding], said.headline, said.label, tuple(said.details), finding)


def _nearest(folder: Path) -> Verdict:
    from solidmark.report import closeness_verdict
    from solidmark.report.pairs.run import open_nearest_run

    said = closeness_verdict(open_nearest_run(folder))
    return _outcome(said, said.state, CLOSENESS)


def _inpaint(folder: Path) -> Verdict:
    from solidmark.report import inpainting_verdict
    from solidmark.report.halves.run import open_halves_run

    said = inpainting_verdict(open_halves_run(folder))
    return _outcome(said, said.state, CLOSENESS)


def _signals(folder: Path) -> Verdict:
    from solidmark.report import signals_verdict
    from solidmark.report.signals.run import open_signals_run

    said = signals_verdict(open_signals_run(folder))
    return _outcome(said, said.decisive.state, SIGNALS)


def _invmm(folder: Path) -> Verdict:
    from solidmark.report import inversion_verdict
    from solidmark.report.inversions.run import open_inversions_run

    said = inversion_verdict(open_inversions_run(folder))
    return _outcome(said, said.state, INVERSIONS)


PAGES: Mapping[str, Callable[[Path], Verdict]] = {
    "nearest": _nearest,
    "inpaint": _inpaint,
    "signals": _signals,
    "invmm": _invmm,
}
JUDGING = ("audit", "intent", "cliques", "compare", *PAGES)
"""The commands that judge, as they stand in the manifest."""
