"""The marked folder beside a run: the pictures, their captions, what was quarantined."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.errors import SolidmarkError
from solidmark.marks.beside import find_beside
from solidmark.marks.lookup import Files
from solidmark.marks.planned import FOLDERS, words_file
from solidmark.page.scored import failed
from solidmark.page.sections import Table
from solidmark.runs import fingerprint, read_json


@dataclass(frozen=True)
class Marked:
    """What the page takes from a marked folder.

    Arguments:
        folder: Where it lies; None when it cannot be used.
        missing: Why it cannot be used, as a sentence.
        files: The file of each id, relative to the folder.
        quarantined: The images that could not be marked: id and reason.
        pattern: The pattern, as it stands in the manifest; empty when it is not known.
    """

    folder: Path | None = None
    missing: str = "The manifest names no marked folder."
    files: Mapping[str, str] = field(default_factory=dict)
    quarantined: tuple[tuple[str, str], ...] = ()
    pattern: Mapping[str, Any] = field(default_factory=dict)

    def describe(self, ids: Collection[str]) -> dict[str, dict[str, str]]:
        """The caption and the class of some images, from `metadata.jsonl`."""
        found: dict[str, dict[str, str]] = {}
        if self.folder is None:
            return found
        wanted = set(ids)
        names = [words_file(split, in_tars=way) for split in FOLDERS for way in (False, True)]
        for name in names:
            for line in _lines(self.folder / name):
                if line.get("id") not in wanted:
                    continue
                label = line.get("class", line.get("label"))
                facts = {"caption": line.get("text"), "class": label}
                found[line["id"]] = {k: str(v) for k, v in facts.items() if v is not None}
        return found


def open_marked(run: Path, manifest: Mapping[str, Any]) -> Marked:
    """Finds the marked folder of a run, by the fingerprint of its keys.

    Arguments:
        run: The folder of the run.
        manifest: Its manifest; `config["marked"]` names the marked folder, and
            `fingerprints["keys"]` is that of its keys.
    """
    import pyarrow.parquet as parquet

    name, folder = find_beside(run, manifest)
    if folder is None:
        gone = f'The marked folder "{name}" is no longer there.'
        return Marked(missing=gone) if name else Marked()
    try:
        if fingerprint(folder / "keys.parquet") != manifest["fingerprints"].get("keys"):
            return Marked(missing=f'The marked folder "{name}" holds other keys than this run.')
        table = parquet.read_table(folder / "keys.parquet", columns=["id", "file_name"])
    except (OSError, ValueError, KeyError) as error:  # Arrow's errors are of the first two.
        return Marked(missing=f'The keys in "{name}" cannot be read ({error}).')
    try:
        found = read_json(folder / "manifest.json").get("pattern")
    except (OSError, ValueError, AttributeError, SolidmarkError):
        found = None
    quarantined = tuple(
        (str(line.get("id", "")), str(line.get("reason", "")))
        for line in _lines(folder / "quarantine.jsonl")
    )
    return Marked(folder, "", Files(table), quarantined, found if isinstance(found, dict) else {})


def unmarked(marked: Marked) -> Table | None:
    """The images that could not be marked, and why; None where there are none."""
    lines = [(id, reason, 1) for id, reason in marked.quarantined]
    return failed(lines, f"Images that could not be marked: {len(lines):,}")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a JSON-lines file; lines that are none are passed over."""
    if not path.is_file():
        return
    with open(path, encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                value = json.loads(line)
            except json.JSONDecodeError:
                continue
            if isinstance(value, dict):
                yield value
