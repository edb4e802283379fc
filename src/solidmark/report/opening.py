"""The files of a run's folder, opened: what cannot be used is named in one line, with a cure."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.runs import Verdict, read_ours, read_table, verdict_from

KINDS: dict[str, type] = {"rows": list, "measures": dict}
"""What a part of `results.json` is, by its name."""


def open_json(folder: Path, name: str, cure: str) -> dict[str, Any]:
    """Reads a file of names and values.

    Arguments:
        folder: The folder of the run.
        name: The file.
        cure: What to do where it cannot be used, as a sentence.

    Raises:
        NotFound: When it is missing.
        BadInput: When it cannot be read, or holds something else.
    """
    return read_ours(folder / name, cure)


def open_results(folder: Path, cure: str, parts: Sequence[str] = ("rows",)) -> dict[str, Any]:
    """Reads `results.json`.

    Arguments:
        folder: The folder of the run.
        cure: As of `open_json`.
        parts: What it must hold, of `KINDS`.

    Raises:
        NotFound: When it is missing.
        BadInput: When it cannot be read, or lacks a part.
    """
    results = open_json(folder, "results.json", cure)
    for part in parts:
        found = results.get(part)
        if not isinstance(found, KINDS[part]) or found == {}:  # Rows there may be none.
            raise BadInput(f'"{folder / "results.json"}" has no "{part}". {cure}')
    return results


def verdict_in(folder: Path, results: Mapping[str, Any], cure: str = "") -> Verdict:
    """The verdict that stands in `results.json`.

    Arguments:
        folder: The folder of the run.
        results: What is in the file.
        cure: What to do where there is none, as a sentence; to score it when not given.

    Raises:
        BadInput: When there is none, as in folders of before, or it cannot be read.
    """
    if "verdict" not in results:
        cure = cure or f'Run "solidmark score {folder}" first.'
        raise BadInput(f'"{folder}" was scored by an older version. {cure}')
    return verdict_from(results["verdict"], folder / "results.json")


def open_table(folder: Path, name: str, cure: str, columns: Any = None) -> Any:
    """Reads a table.

    Arguments:
        folder: The folder of the run.
        name: The file.
        cure: As of `open_json`.
        columns: Those that are read, by name or with their types; None reads all there are.

    Returns:
        The table of Arrow.

    Raises:
        NotFound: When it is missing.
        BadInput: When it cannot be read, or lacks a column.
    """
    return read_table(folder / name, columns or (), cure, only=columns is not None)


def open_pictures(folder: Path, cure: str, of: type = dict) -> dict[str, Any]:
    """Reads where the pictures of a run lie; empty where it kept none.

    Arguments:
        folder: The folder of the run.
        cure: As of `open_json`.
        of: What stands under each name: `str`, a path below the folder, or `dict` for a side.

    Raises:
        BadInput: When the file cannot be read, or holds something else.
    """
    name = "pictures/index.json"
    if not (folder / name).is_file():
        return {}
    index = open_json(folder, name, cure)
    if not all(isinstance(found, of) for found in index.values()):
        raise BadInput(f'"{folder / name}" is not a file of solidmark. {cure}')
    return index
