"""Image folders with `metadata.jsonl`, `.csv` or `.parquet`: a line an image, as for `datasets`.

As there, the lines are the data set: an image that no line names does not belong to it, and is
counted. A line that cannot be used is one quarantined row.
"""

import csv
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import Any

from solidmark.data.columns import Columns, missing
from solidmark.data.folder import OURS
from solidmark.data.inventory import Found, Unused
from solidmark.data.records import FileBytes, Record, below, path_id, quoted
from solidmark.data.samples import is_image, no_image, same
from solidmark.errors import BadInput

NAMES = ("metadata.jsonl", "metadata.csv", "metadata.parquet")

Row = tuple[str, dict[str, Any] | str]
"""Where a row stands, and its values, or why it has none."""


def names_images(file: Path) -> bool:
    """Whether a file is metadata: of Parquet only what names files, as others hold the images."""
    if file.name not in NAMES or not file.is_file():
        return False
    if file.suffix != ".parquet":
        return True
    import pyarrow.parquet as pq

    try:
        return "file_name" in pq.read_schema(file).names
    except (OSError, ValueError):
        return False


def metadata_records(
    files: list[Path], folder: Path, columns: Columns, beside: Iterable[Path] = ()
) -> Found:
    """The images that metadata files name. The id is the path below the data folder.

    Arguments:
        files: The metadata files; each names images relative to itself.
        columns: The columns' names; "file_name" is the image's unless another is asked for.
        beside: All files of the folder: those that no line names are counted.

    Raises:
        BadInput: When a file cannot be read, or a column is missing.
    """
    records: list[Record] = []
    unused: list[Unused] = []
    for file in files:
        rows = list(_rows(file))
        read = [row for _, row in rows if isinstance(row, dict)]
        names = list(dict.fromkeys(name for row in read for name in row))
        known = columns.found_in(names, quoted(file)) if read else columns
        image = _image_column(columns.image, set(names), quoted(file)) if read else "file_name"
        unused += [Unused(name, "columns") for name in known.unused(names, image)]
        records += [_record(place, row, image, file, folder, known) for place, row in rows]
    loads = (record.load for record in records)
    named = {same(str(load.path)) for load in loads if isinstance(load, FileBytes)}
    for path in beside:
        if path not in files and path.name not in OURS and same(str(path)) not in named:
            name = path_id(path.relative_to(folder))
            if is_image(name):
                unused.append(Unused(name, "images without a metadata line"))
            else:
                unused.append(no_image(name))
    return Found(records, unused)


def _rows(file: Path) -> Iterator[Row]:
    suffix = file.suffix.lower()
    return {".csv": _csv, ".parquet": _parquet}.get(suffix, _json_lines)(file)


def _parquet(file: Path) -> Iterator[Row]:
    from solidmark.data.parquet import table_rows

    for number, row in enumerate(table_rows(file)):
        yield f"Row {number} of {quoted(file)}", row


def _image_column(asked: str, names: set[str], table: str) -> str:
    """The column of the paths: what was asked for, else `file_name`."""
    if asked == "image":
        asked = "file_name" if "file_name" in names or "image" not in names else "image"
    if asked not in names:
        raise missing(asked, sorted(names), table)
    return asked


def _record(
    place: str, row: dict[str, Any] | str, image: str, file: Path, folder: Path, columns: Columns
) -> Record:
    here = file.parent.relative_to(folder)
    id = path_id(PurePath(os.path.normpath(here / place.split(" of ")[0].lower())))
    lost = FileBytes(file.parent)
    if isinstance(row, str):
        return Record(id, lost, place=place, flaw=f"{place} {row}")
    name = row.get(image)
    if isinstance(name, bytes):
        name = os.fsdecode(name)
    if not isinstance(name, str) or not name:
        flaw = f"{place} has no {quoted(image)}. Name the image's file in every line."
        return Record(id, lost, place=place, flaw=flaw)
    try:
        path = below(file.parent, name)
    except BadInput as error:
        return Record(id, lost, place=place, flaw=f"{place}: {error}")
    id = path_id(PurePath(os.path.normpath(here / name)))
    return columns.record(row, id, FileBytes(Path(os.path.normpath(path))), place)


def _json_lines(file: Path) -> Iterator[Row]:
    with open(file, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            place = f"Line {number} of {quoted(file)}"
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError) as error:
                yield place, f"is not JSON ({error}). Mend or remove it."
                continue
            if isinstance(row, dict):
                yield place, row
            else:
                yield place, 'is not an object like {"file_name": "a.png"}. Mend it.'


def _csv(file: Path) -> Iterator[Row]:
    with open(file, encoding="utf-8-sig", errors="surrogateescape", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            for row in reader:
                place = f"Line {reader.line_num} of {quoted(file)}"
                if None in row:
                    yield place, "has too many cells. Put texts with commas in quotes."
                    continue
                # An empty text is a caption in JSON; an empty cell of a CSV file is nothing.
                yield place, {name: _cell(value) for name, value in row.items()}
        except csv.Error as error:
            place = f"Line {reader.line_num + 1} of {quoted(file)}"
            raise BadInput(f"{place} is not CSV ({error}). Mend it.") from error


def _cell(value: str | None) -> str | bytes | None:
    """A cell as text; as bytes where it is not UTF-8, so that whoever needs it says so."""
    raw = (value or "").encode("utf-8", "surrogateescape")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw
    return value or None
