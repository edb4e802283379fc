"""Image folders with `metadata.jsonl` or `metadata.csv`: a line an image, as `datasets` reads them.

As there, the lines are the data set: an image that no line names does not belong to it.
"""

import csv
import json
import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any

from solidmark.data.columns import Columns, missing
from solidmark.data.records import FileBytes, Record, below, path_id, quoted
from solidmark.errors import BadInput

NAMES = ("metadata.jsonl", "metadata.csv")

Row = tuple[str, dict[str, Any]]
"""Where a row stands, and its values."""


def metadata_records(files: list[Path], folder: Path, columns: Columns) -> list[Record]:
    """The images that metadata files name. The id is the path below the data folder.

    Arguments:
        files: The metadata files; each names images relative to itself.
        folder: The data folder, which the ids are relative to.
        columns: The columns' names; "file_name" is the image's unless another is asked for.

    Raises:
        BadInput: When a line cannot be used; says which and why.
    """
    records: list[Record] = []
    for file in files:
        rows = list(_csv(file) if file.suffix.lower() == ".csv" else _json_lines(file))
        names = [name for _, row in rows for name in row]
        if rows:
            known = columns.found_in(names, quoted(file))
            image = _image_column(columns.image, set(names), quoted(file))
            records += [_record(place, row, image, file, folder, known) for place, row in rows]
    return records


def _image_column(asked: str, names: set[str], table: str) -> str:
    """The column of the paths: what was asked for, else `file_name`."""
    if asked == "image":
        asked = "file_name" if "file_name" in names or "image" not in names else "image"
    if asked not in names:
        raise missing(asked, sorted(names), table)
    return asked


def _record(
    place: str, row: dict[str, Any], image: str, file: Path, folder: Path, columns: Columns
) -> Record:
    name = row.get(image)
    if not isinstance(name, str) or not name:
        raise BadInput(f"{place} has no {quoted(image)}. Name the image's file in every line.")
    try:
        path = below(file.parent, name)
    except BadInput as error:
        raise BadInput(f"{place}: {error}") from error
    id = path_id(PurePath(os.path.normpath(file.parent.relative_to(folder) / name)))
    return columns.record(row, id, FileBytes(path), place)


def _json_lines(file: Path) -> Iterator[Row]:
    with open(file, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            place = f"Line {number} of {quoted(file)}"
            if not line.strip():
                continue
            try:
                row = json.loads(line.decode("utf-8-sig"))
            except (ValueError, RecursionError) as error:
                raise BadInput(f"{place} is not JSON ({error}). Mend or remove it.") from error
            if not isinstance(row, dict):
                raise BadInput(f'{place} is not an object like {{"file_name": "a.png"}}. Mend it.')
            yield place, row


def _csv(file: Path) -> Iterator[Row]:
    with open(file, encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        try:
            for row in reader:
                place = f"Line {reader.line_num} of {quoted(file)}"
                if None in row:
                    raise BadInput(f"{place} has too many cells. Put texts with commas in quotes.")
                # An empty text is a caption in JSON; an empty cell of a CSV file is nothing.
                yield place, {name: value or None for name, value in row.items()}
        except (csv.Error, UnicodeDecodeError) as error:
            place = f"Line {reader.line_num + 1} of {quoted(file)}"
            raise BadInput(f"{place} is not CSV in UTF-8 ({error}). Mend it.") from error
