"""The marked folder beside a run: the pictures, their captions, what was quarantined."""

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.errors import SolidmarkError
from solidmark.marks.beside import find_beside
from solidmark.page.scored import failed
from solidmark.page.sections import Table
from solidmark.runs import fingerprint, read_json

TOLERANCE = 1e-6
"""Keys that differ by more are other keys."""


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
        for split in ("train", "held_out"):
            for line in _lines(self.folder / split / "metadata.jsonl"):
                if line.get("id") not in wanted:
                    continue
                label = line.get("class", line.get("label"))
                facts = {"caption": line.get("text"), "class": label}
                found[line["id"]] = {k: str(v) for k, v in facts.items() if v is not None}
        return found


def open_marked(
    audit: Path, manifest: Mapping[str, Any], keys: Mapping[str, tuple[float, ...]]
) -> Marked:
    """Finds the marked folder of an audit, and checks that it holds the keys of this audit.

    Arguments:
        audit: The audit folder.
        manifest: Its manifest; `config["marked"]` names the marked folder.
        keys: The true key of each id, as scored.
    """
    name, folder = find_beside(audit, manifest)
    if folder is None:
        return _lost(name)
    try:
        table = _keys(folder)
    except (OSError, ValueError, KeyError) as error:
        return Marked(missing=f'The keys in "{name}" cannot be read ({error}).')
    differ = [id for id, key in keys.items() if id not in table or not _same(table[id][1], key)]
    if differ:
        return Marked(
            missing=f'The marked folder "{name}" holds other keys than this audit '
            f"({len(differ)} of {len(keys)} differ)."
        )
    return _opened(folder, {id: table[id][0] for id in keys})


def open_marked_of(run: Path, manifest: Mapping[str, Any]) -> Marked:
    """Finds the marked folder of a run that holds no keys, by the fingerprint of its keys.

    Arguments:
        run: The folder of the run.
        manifest: Its manifest; `config["marked"]` names the marked folder, and
            `fingerprints["keys"]` is that of its keys.
    """
    name, folder = find_beside(run, manifest)
    if folder is None:
        return _lost(name)
    try:
        if fingerprint(folder / "keys.parquet") != manifest["fingerprints"].get("keys"):
            return Marked(missing=f'The marked folder "{name}" holds other keys than this run.')
        table = _keys(folder)
    except (OSError, ValueError, KeyError) as error:
        return Marked(missing=f'The keys in "{name}" cannot be read ({error}).')
    return _opened(folder, {id: file for id, (file, _) in table.items()})


def unmarked(marked: Marked) -> Table | None:
    """The images that could not be marked, and why; None where there are none."""
    lines = [(id, reason, 1) for id, reason in marked.quarantined]
    return failed(lines, f"Images that could not be marked: {len(lines):,}")


def _lost(name: str) -> Marked:
    return Marked(missing=f'The marked folder "{name}" is no longer there.') if name else Marked()


def _opened(folder: Path, files: Mapping[str, str]) -> Marked:
    quarantined = tuple(
        (str(line.get("id", "")), str(line.get("reason", "")))
        for line in _lines(folder / "quarantine.jsonl")
    )
    return Marked(folder, "", files, quarantined, _pattern(folder))


def _pattern(folder: Path) -> dict[str, Any]:
    try:
        found = read_json(folder / "manifest.json").get("pattern")
    except (OSError, ValueError, AttributeError, SolidmarkError):
        return {}
    return found if isinstance(found, dict) else {}


def _keys(folder: Path) -> dict[str, tuple[str, tuple[float, ...]]]:
    """The file and the key of each id. Arrow's errors are ValueErrors and OSErrors."""
    import pyarrow.parquet as parquet

    table = parquet.read_table(folder / "keys.parquet", columns=["id", "file_name", "key"])
    return {
        row["id"]: (row["file_name"], tuple(row["key"] or ()))
        for row in table.to_pylist()
        if row["file_name"]
    }


def _same(one: tuple[float, ...], other: tuple[float, ...]) -> bool:
    return len(one) == len(other) and all(
        abs(a - b) <= TOLERANCE for a, b in zip(one, other, strict=True)
    )


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
