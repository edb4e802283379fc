"""`results.json`: what a command that scores has come to, written and read in one place."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from solidmark.errors import NotFound
from solidmark.runs.files import read_ours, write_json
from solidmark.runs.formats import VERSION

RESULTS = "results.json"


def write_results(
    folder: Path,
    manifest: Mapping[str, Any],
    rows: Sequence[Mapping[str, Any]],
    *,
    failed: int,
    chosen: Mapping[str, Any] | None = None,
    **facts: Any,
) -> dict[str, Any]:
    """Writes `results.json`.

    Arguments:
        folder: The folder of the run.
        manifest: Its manifest: who made it of what, with which configuration.
        rows: The figures, a row each.
        failed: How many of the rows that were asked for could not be scored.
        chosen: What was chosen when it was scored; stands in the configuration.
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
        "rows": list(rows),
    }
    write_json(folder / RESULTS, results)
    return results


def read_results(folder: Path, cure: str = "", **parts: type) -> dict[str, Any]:
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


def _again(folder: Path) -> str:
    return f'Run "solidmark score {folder}".'
