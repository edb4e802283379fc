"""Parquet files: the words are read at once, the pictures a row group at a time."""

import json
from collections import Counter, OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from solidmark.data.classes import named_class
from solidmark.data.columns import Columns, missing
from solidmark.data.inventory import Found, Unused
from solidmark.data.records import Record, head_of, path_id, picture_in, quoted
from solidmark.errors import BadInput, BrokenImage

BUDGET = 256 * 2**20
"""How many bytes of pictures are kept, since neighbours in a row group are asked for together."""


@dataclass(frozen=True)
class Cell:
    """Reads one picture of a Parquet file when called."""

    path: Path
    column: str
    group: int
    row: int

    def __call__(self) -> bytes | Picture.Image:
        try:
            picture = _row_group(self.path, self.column, self.group)[self.row].as_py()
        except (OSError, ValueError) as error:  # What pyarrow raises for a file that is damaged.
            raise BrokenImage(f"{quoted(self.path)} cannot be read ({error}).") from error
        return picture_in(picture, self.path.parent)


def parquet_records(files: list[Path], folder: Path, columns: Columns) -> Found:
    """The rows of Parquet files. The id is the file's path and the row's number.

    Raises:
        BadInput: When a file is not Parquet, or a column is missing.
    """
    unused: list[Unused] = []
    records = [record for file in files for record in _records(file, folder, columns, unused)]
    return Found(records, list(dict.fromkeys(unused)))


def _records(file: Path, folder: Path, columns: Columns, unused: list[Unused]) -> Iterator[Record]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            names = table.schema_arrow.names
            _refuse_doubles(names, file)
            known = columns.found_in(names, quoted(file))
            image = _image_column(columns.image, table.schema_arrow, quoted(file))
            sizes = [table.metadata.row_group(i).num_rows for i in range(table.num_row_groups)]
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    unused += [Unused(name, "columns") for name in known.unused(names, image)]
    rows = table_rows(file, known.words) if known.words else None
    stem = path_id(file.relative_to(folder))
    number = 0
    for group, size in enumerate(sizes):
        for row in range(size):
            words = rows[number] if rows is not None else {}
            load = Cell(file, image, group, row)
            place = f"row {number} of {quoted(file)}"
            yield known.record(words, f"{stem}/{number:08d}", load, place)
            number += 1


def table_rows(file: Path, columns: list[str] | None = None) -> list[dict[str, Any]]:
    """The rows of some columns. Numbers of classes that have names get them.

    Raises:
        BadInput: When the file is not Parquet.
    """
    import pyarrow.parquet as pq

    try:
        table = pq.read_table(file, columns=columns, partitioning=None)
    except (OSError, ValueError) as error:
        raise _unreadable(file, error) from error
    _refuse_doubles(table.column_names, file)
    features = _features(table.schema)
    found = {name: _cells(table[name]) for name in table.column_names}
    for name, names in features.items():
        if name in found:
            found[name] = [named_class(value, names) for value in found[name]]
    return [dict(zip(found, row, strict=True)) for row in zip(*found.values(), strict=True)]


def _refuse_doubles(names: list[str], file: Path) -> None:
    """Refuses a table of which nobody can say what a column's name means."""
    for name, count in Counter(names).items():
        if count > 1:
            raise BadInput(f"{quoted(file)} has two columns {quoted(name)}. Rename one of them.")


def _cells(column: Any) -> list[Any]:
    """The values of a column; texts that are not UTF-8 stay bytes, and cost only their row.

    Values that Python has no object for, such as times before the year 1, come as texts.
    """
    import pyarrow as pa

    try:
        return list(column.to_pylist())
    except OverflowError:
        return list(column.cast(pa.large_string()).to_pylist())
    except UnicodeDecodeError:
        return list(column.cast(pa.large_binary()).to_pylist())


def _features(schema: Any) -> dict[str, list[str]]:
    """The names of classes, by column, as the `datasets` library writes them into the file."""
    try:
        told = json.loads((schema.metadata or {}).get(b"huggingface", b"{}"))
        features = told["info"]["features"]
        return {
            column: [str(name) for name in feature["names"]]
            for column, feature in features.items()
            if isinstance(feature, dict)
            and feature.get("_type") == "ClassLabel"
            and isinstance(feature.get("names"), list)
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _unreadable(file: Path, error: Exception) -> BadInput:
    """Says what is wrong with a file that is not Parquet, or only its beginning."""
    head = head_of(file, 4)
    if head == b"PAR1":
        return BadInput(f"{quoted(file)} is cut off or damaged ({error}). Get or make it again.")
    return BadInput(f"{quoted(file)} is not a Parquet file ({error}). Make it again.")


def _image_column(asked: str, schema: Any, table: str) -> str:
    """The column that was asked for, else the only one that can hold pictures."""
    import pyarrow as pa

    if asked in schema.names:
        return asked
    likely = [
        field.name
        for field in schema
        if pa.types.is_binary(field.type)
        or pa.types.is_large_binary(field.type)
        or (pa.types.is_struct(field.type) and field.type.get_field_index("bytes") >= 0)
    ]
    if asked != "image" or len(likely) != 1:
        raise missing(asked, schema.names, table)
    return str(likely[0])


_kept: OrderedDict[tuple[Path, str, int], Any] = OrderedDict()


def _row_group(path: Path, column: str, group: int) -> Any:
    """The pictures of one row group, from memory when they were asked for lately."""
    import pyarrow.parquet as pq

    key = (path, column, group)
    if key in _kept:
        _kept.move_to_end(key)
        return _kept[key]
    with pq.ParquetFile(path) as table:
        _kept[key] = table.read_row_group(group, columns=[column])[column]
    while len(_kept) > 1 and sum(pictures.nbytes for pictures in _kept.values()) > BUDGET:
        _kept.popitem(last=False)
    return _kept[key]
