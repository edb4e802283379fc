"""`results.json`: what a command that scores has come to, written and read in one place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput, NotFound
from solidmark.runs.contents import entry
from solidmark.runs.figures import Figure, figure_from
from solidmark.runs.formats import VERSION
from solidmark.runs.sealed import read_ours, write_ours
from solidmark.runs.verdict import Verdict, verdict_from

RESULTS = "results.json"

AT_ONCE = ("cliques", "duplicates")
"""Commands that score as they run: nothing is left to score anew."""


@dataclass(frozen=True)
class Results:
    """What stands in `results.json`.

    Arguments:
        folder: The folder of the run.
        command: What made it.
        config: With which options.
        seed: Of all that was drawn.
        failed: How many of the rows that were asked for could not be scored.
        figures: The figures.
        verdict: What the run has come to; None of a command that judges nothing.
        facts: What this command tells beside its figures, by name.
        versions: Of which programs.
        fingerprints: Of what it read.
    """

    folder: Path
    command: str
    config: Mapping[str, Any]
    seed: int
    failed: int
    figures: tuple[Figure, ...] = field(repr=False)
    verdict: Verdict | None
    facts: Mapping[str, Any] = field(repr=False)
    versions: Mapping[str, Any] = field(repr=False)
    fingerprints: Mapping[str, Any] = field(repr=False)

    @property
    def judged(self) -> Verdict:
        """The verdict, where there must be one.

        Raises:
            BadInput: When there is none: it was scored by an older version, or judges nothing.
        """
        if self.verdict is None:
            cure = f"{_again(self.folder)[:-1]} first."
            if self.command in AT_ONCE:
                cure = f'Run the same "solidmark {self.command}" into a new folder.'
            raise BadInput(f'"{self.folder}" was scored by an older version. {cure}')
        return self.verdict


def write_results(
    folder: Path,
    manifest: Mapping[str, Any],
    rows: Sequence[Figure | Mapping[str, Any]],
    *,
    failed: int,
    verdict: Verdict | None = None,
    chosen: Mapping[str, Any] | None = None,
    files: Sequence[str] = (),
    **facts: Any,
) -> dict[str, Any]:
    """Writes `results.json`, the last of what a scoring writes.

    Arguments:
        folder: The folder of the run.
        manifest: Its manifest: who made it of what, with which configuration.
        rows: The figures, a row each.
        failed: How many of the rows that were asked for could not be scored.
        verdict: What the run has come to.
        chosen: What was chosen when it was scored; stands in the configuration.
        files: What was written with it, and is written anew with it: `require_scored` knows by
            it that figures and tables are of one scoring.
        facts: What this command tells beside its figures.

    Returns:
        What is in the file.
    """
    results = {
        "version": VERSION,
        "command": manifest["command"],
        "config": {**manifest["config"], **(chosen or {})},
        "seed": manifest["config"]["seed"],
        "versions": manifest["versions"],
        "fingerprints": manifest["fingerprints"],
        "failed": failed,
        **facts,
        "rows": [row.to_json() if isinstance(row, Figure) else dict(row) for row in rows],
    }
    if verdict is not None:
        results["verdict"] = verdict.to_json()
    if files:
        results["files"] = {name: entry(folder / name) for name in files}
    write_ours(folder / RESULTS, results)
    return results


def read_results(folder: Path, cure: str = "", **parts: type | tuple[type, ...]) -> dict[str, Any]:
    """Reads `results.json`.

    Arguments:
        folder: The folder of the run.
        cure: What to do where it cannot be used, as a sentence; to score again when not given.
        parts: What it must hold beside its rows, and of which type, by name.

    Raises:
        NotFound: When it is missing.
        BadInput: When it cannot be read, is of another version, or lacks a part.
    """
    return read_ours(folder / RESULTS, cure or _again(folder), rows=list, **parts)


def open_results(folder: Path, cure: str = "", **parts: type) -> Results:
    """Reads `results.json`, figures and verdict typed.

    Arguments:
        folder: The folder of the run.
        cure: As of `read_results`.
        parts: The same.

    Raises:
        NotFound: When it is missing.
        BadInput: When it cannot be read, is of another version, or lacks a part.
    """
    path = folder / RESULTS
    found = read_results(folder, cure, command=str, config=dict, seed=int, **parts)
    known = ("command", "config", "seed", "failed", "rows", "verdict", "versions", "fingerprints")
    return Results(
        folder=folder,
        command=found["command"],
        config=found["config"],
        seed=found["seed"],
        failed=int(found.get("failed") or 0),
        figures=tuple(figure_from(row, path) for row in found["rows"]),
        verdict=verdict_from(found["verdict"], path) if "verdict" in found else None,
        facts={name: value for name, value in found.items() if name not in (*known, "files")},
        versions=found.get("versions") or {},
        fingerprints=found.get("fingerprints") or {},
    )


def require_scored(folder: Path, *names: str) -> None:
    """Checks that tables are those that were written with the `results.json` beside them.

    Arguments:
        folder: The folder of a run; one that was never scored, or before this was written down,
            is taken as it is.
        names: Files of it; all tables when none is named. What is gone is said by who reads it.

    Raises:
        BadInput: When one is of another scoring, or is damaged.
    """
    if not (folder / RESULTS).is_file():
        return
    told = read_results(folder, files=(dict, type(None))).get("files") or {}
    for name in names or [name for name in told if name.endswith(".parquet")]:
        path = folder / name
        if name in told and path.is_file() and entry(path) != told[name]:
            raise BadInput(
                f'"{path}" is not what was scored with the "{RESULTS}" beside it. {_again(folder)}'
            )


def scored_before(folder: Path) -> dict[str, Any]:
    """How a folder was scored the last time; nothing where it never was.

    Raises:
        BadInput: When its results cannot be read.
    """
    cure = f'Remove it, then run "solidmark score {folder}".'
    try:
        found = read_results(folder, cure, config=dict)
    except NotFound:
        return {}
    return dict(found["config"])


def shared(among: int) -> dict[str, int]:
    """What stands in a configuration of how many runs share the level of a verdict.

    Arguments:
        among: How many; 1 says nothing.
    """
    return {"among": among} if among > 1 else {}


def _again(folder: Path) -> str:
    return f'Run "solidmark score {folder}".'
