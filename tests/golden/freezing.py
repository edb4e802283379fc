"""What a command said and wrote, as lines of text that two versions of the code are compared by.

Left out is what says nothing of the code: versions, fingerprints, memory, times, contents of
pixels, and the calibration, which is only on the way to the readings.
"""

import csv
import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from .comparing import ZERO
from .pages import page_lines

LOUD = {"versions", "fingerprints", "memory", "files", "checksum", "seconds"}
LOUD |= {"shown_trained", "shown_held_out", "beside"}
"""Keys of JSON that are left out; the last three name pictures, which the page does too."""

LIBRARIES = "accelerate|datasets|diffusers|numpy|pillow|python|scipy|solidmark|torch"
MACHINE = re.compile(
    rf"(\b(?:{LIBRARIES}): )[\d.]+(?:dev\d+)?(?:\+\w+)?|('?peak_memory_bytes'?: )\d+"
    r"|\b\d[\d,.]* [MG]iB\b|\b[0-9a-f]{16}\b"
)
"""What a line tells of the machine and of the day."""

PIXELS = {"content", "source_content", "digest"}
"""Columns that are left out: contents of pictures."""

ROWS = 6
"""So many rows of a table are frozen, evenly from all of them; their number is too."""

WIDE = 500
"""A line of JSON holds at most so many characters; a longer value takes several."""

BAR = "|"
"""Between the cells of a table; between those of a page there are spaces too."""

VALUES = 8
"""So many numbers of a list are frozen."""

LONG = 60
"""A longer text in a table stands below it, once."""


def folder_lines(
    folder: Path,
    skip: Collection[str] = (),
    only: Collection[str] = (),
    unsaid: Collection[str] = (),
) -> Iterator[str]:
    """The files of a folder, its results, tables, lists and pages.

    Arguments:
        folder: What a command wrote.
        skip: Columns, keys and files that another processor would change.
        only: The files that are read; all when there are none.
        unsaid: Headings of the page that are left out, with what stands below them.
    """
    paths = sorted(path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    inner = {path.parent for path in paths if path.name == "manifest.json"} - {Path()}
    yield ""
    yield f"== {folder.name}: {len(paths)} files"
    yield from _names(paths)
    left_out = LOUD | PIXELS | set(skip)
    for path in paths:
        if path.parent in inner or path.name in skip or (only and path.name not in only):
            continue  # What another command makes has a run of its own.
        lines = list(_file_lines(folder / path, left_out, unsaid))
        if lines:
            yield ""
            yield f"== {folder.name}/{path}"
            yield from map(hushed, lines)


def hushed(line: str) -> str:
    """A line without the memory, the versions and the hashes that it may tell.

    Example:
        >>> hushed("numpy: 2.4.6, with 628 MiB")
        'numpy: ..., with ...'
    """
    return MACHINE.sub(lambda found: (found[1] or found[2] or "") + "...", line)


def _names(paths: list[Path]) -> Iterator[str]:
    """A line a folder: the first and the last of many files of one kind."""
    kinds: dict[tuple[Path, str], list[str]] = {}
    for path in paths:
        alike = re.sub(r"\d+", "", path.name) if re.search(r"\d", path.name) else path.name
        kinds.setdefault((path.parent, path.suffix if alike != path.name else ""), []).append(
            path.name
        )
    for (parent, suffix), names in kinds.items():
        several = suffix and len(names) > 4
        shown = f"{names[0]} ... {names[-1]} ({len(names)})" if several else " ".join(names)
        yield f"{parent}/ {shown}"


def _file_lines(path: Path, left_out: set[str], unsaid: Collection[str]) -> Iterator[str]:
    if path.name == "results.json" or (
        path.name == "manifest.json" and not path.with_name("results.json").exists()
    ):
        yield from json_lines("", json.loads(path.read_text(encoding="utf-8")), left_out)
    elif path.suffix == ".parquet":
        yield from _table_lines(pq.read_table(path).to_pylist(), left_out)
    elif path.suffix == ".jsonl":
        text = path.read_text(encoding="utf-8")
        yield from _table_lines([json.loads(line) for line in text.splitlines()], left_out)
    elif path.suffix == ".csv":
        with path.open(encoding="utf-8", newline="") as lines:
            yield from _table_lines([_read(row) for row in csv.DictReader(lines)], left_out)
    elif path.suffix == ".txt":
        yield from path.read_text(encoding="utf-8").splitlines()[:ROWS]
    elif path.suffix == ".html":
        yield from page_lines(path.read_text(encoding="utf-8"), unsaid)


def _read(row: Mapping[str, str]) -> dict[str, Any]:
    """The numbers of a line of CSV as numbers."""
    numeric = re.compile(r"-?\d+\.\d+(e[+-]?\d+)?|-?\d+e[+-]?\d+")
    return {
        name: float(value) if numeric.fullmatch(value or "") else value
        for name, value in row.items()
    }


def _table_lines(rows: list[dict[str, Any]], left_out: set[str]) -> Iterator[str]:
    """The number of rows, and some of them in the order of what they are of."""
    step = max(len(rows) / ROWS, 1.0)
    rows = sorted(rows, key=_what)
    few = [rows[int(place * step)] for place in range(min(ROWS, len(rows)))]
    yield f"{len(rows)} rows"
    yield from _rows(few, left_out)


def _rows(rows: list[dict[str, Any]], left_out: set[str]) -> Iterator[str]:
    """What all rows share, the columns, the rows, and the long texts that several may share."""
    columns = dict.fromkeys(key for row in rows for key in row if key not in left_out)
    table = [
        {name: written(row[name], left_out) if name in row else "" for name in columns}
        for row in rows
    ]
    alike = [name for name in columns if len({row[name] for row in table}) == 1 < len(table)]
    if alike:
        yield "all: " + ", ".join(f"{name}={table[0][name]}" for name in alike)
    others = [name for name in columns if name not in alike]
    if others:
        yield BAR.join(others)
    notes: dict[str, str] = {}
    for row in table:
        cells = [row[name] for name in others]
        for place, cell in enumerate(cells):
            if len(cell) > LONG and cell[0] not in "[{":
                cells[place] = notes.setdefault(cell, f"({len(notes) + 1})")
        yield BAR.join("-" if cell == "null" else cell for cell in cells)
    yield from (f"{name} {text}" for text, name in notes.items())


def _what(row: Mapping[str, Any]) -> str:
    """What a row is of: no number that rounds has a say in the order."""
    return json.dumps([value for value in row.values() if isinstance(value, str | int)])


def json_lines(name: str, value: Any, left_out: set[str]) -> Iterator[str]:
    """A value with its name, in as many lines as it takes.

    Arguments:
        name: Where it stands, such as `rows[3]`.
        value: Anything of JSON.
        left_out: Keys that are not written.
    """
    text = written(value, left_out)
    if (len(text) <= WIDE and name) or not isinstance(value, dict | list) or not value:
        yield f"{name}: {text}"
    elif isinstance(value, list) and len(value) > 1 and isinstance(value[0], dict):
        yield f"{name}: {len(value)} rows"
        yield from _rows(value, left_out)
    elif isinstance(value, dict):
        for key in sorted(set(value) - left_out):
            yield from json_lines(f"{name}.{key}".lstrip("."), value[key], left_out)
    else:
        for place, one in enumerate(value):
            yield from json_lines(f"{name}[{place}]", one, left_out)


def written(value: Any, left_out: set[str]) -> str:
    """A value of JSON on one line, with four digits of every number that is not whole."""
    if isinstance(value, float):
        return f"{value:#.4g}" if value else ZERO
    if isinstance(value, dict):
        inside = (f"{key}={written(value[key], left_out)}" for key in sorted(set(value) - left_out))
        return "{" + ", ".join(inside) + "}"
    if isinstance(value, list | tuple):
        several = [written(one, left_out) for one in value]
        if len(value) > VALUES and isinstance(value[0], float):
            several[VALUES:] = [f"{len(value)} in all"]
        return "[" + ",".join(several) + "]"
    if isinstance(value, str):
        return " ".join(value.split())
    return json.dumps(value, default=str)
