"""Parquet files: the words are read at once, the pictures a row group at a time."""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image as Picture

from solidmark.data.columns import Columns, missing
from solidmark.data.records import Record, path_id, picture_in, quoted
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
            pictures = _row_group(self.path, self.column, self.group)
        except (OSError, ValueError) as error:  # What pyarrow raises for a file that is damaged.
            raise BrokenImage(f"{quoted(self.path)} cannot be read ({error}).") from error
        return picture_in(pictures[self.row].as_py(), self.path.parent)


def parquet_records(files: list[Path], folder: Path, columns: Columns) -> list[Record]:
    """The rows of Parquet files. The id is the file's path and the row's number.

    Arguments:
        files: The files.
        folder: The data folder, which the ids are relative to.
        columns: The columns' names.

    Raises:
        BadInput: When a file is not Parquet, or a column is missing.
    """
    return [record for file in files for record in _records(file, folder, columns)]


def _records(file: Path, folder: Path, columns: Columns) -> Iterator[Record]:
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            names = table.schema_arrow.names
            known = columns.found_in(names, quoted(file))
            image = _image_column(columns.image, table.schema_arrow, quoted(file))
            sizes = [table.metadata.row_group(i).num_rows for i in range(table.num_row_groups)]
            rows = table.read(columns=known.words).to_pylist() if known.words else None
    except (OSError, ValueError) as error:
        raise BadInput(f"{quoted(file)} is not a Parquet file ({error}). Make it again.") from error
    stem = path_id(file.relative_to(folder))
    number = 0
    for group, size in enumerate(sizes):
        for row in range(size):
            words = rows[number] if rows is not None else {}
            load = Cell(file, image, group, row)
            place = f"row {number} of {quoted(file)}"
            yield known.record(words, f"{stem}/{number:08d}", load, place)
            number += 1


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
