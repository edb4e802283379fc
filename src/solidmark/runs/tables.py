"""Tables of ours: written with the version of their format, and read with every doubt said.

Arrow is imported where it is needed: most commands that only show their help never do.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from solidmark.errors import BadInput, NotFound
from solidmark.runs.files import whole_file
from solidmark.runs.formats import VERSION, require_version
from solidmark.runs.saying import cell

if TYPE_CHECKING:
    import pyarrow as pa

_MARK = b"solidmark."
"""What the names of our entries in the metadata of a table begin with."""


AT_ONCE = 65_536
"""So many rows are Python objects at a time."""


def table_bytes(table: "pa.Table", *, checksums: bool = True, **facts: str | int) -> bytes:
    """A table as the bytes of a Parquet file.

    Arguments:
        table: The table.
        checksums: Whether its pages have some; not where a hash of the file is kept elsewhere.
        facts: What is kept beside its columns, by name.
    """
    sink = io.BytesIO()
    _write(sink, table.schema, [table], facts, checksums=checksums)
    return sink.getvalue()


def _write(
    sink: BinaryIO,
    schema: "pa.Schema",
    tables: "Iterable[pa.Table]",
    facts: Mapping[str, str | int],
    *,
    checksums: bool = True,
) -> None:
    """Writes tables one below the other."""
    import pyarrow.parquet as parquet

    said = {"version": VERSION, **facts}
    ours = {_MARK + name.encode(): str(value).encode() for name, value in said.items()}
    schema = schema.with_metadata({**(schema.metadata or {}), **ours})
    with parquet.ParquetWriter(sink, schema, write_page_checksum=checksums) as writer:
        empty = True
        for table in tables:
            writer.write_table(table.replace_schema_metadata(schema.metadata))
            empty = False
        if empty:
            writer.write_table(schema.empty_table())


def typed(kind: "pa.DataType", *names: str) -> "list[tuple[str, pa.DataType]]":
    """Columns of one type that follow each other in a schema."""
    return [(name, kind) for name in names]


def write_table(path: Path, table: "pa.Table") -> None:
    """Writes a table; whole or not at all."""
    with whole_file(path) as file:
        _write(file, table.schema, [table], {})


def write_rows(path: Path, rows: Iterable[Mapping[str, Any]], schema: "pa.Schema") -> None:
    """Writes rows as a table, whole or not at all; what a row does not have is null.

    Arguments:
        path: The file.
        rows: The rows; they are taken a few at a time.
        schema: The columns.
    """
    with whole_file(path) as file:
        _write(file, schema, _tables(rows, schema), {})


def _tables(rows: Iterable[Mapping[str, Any]], schema: "pa.Schema") -> "Iterator[pa.Table]":
    import pyarrow as pa

    rest = iter(rows)
    while some := list(islice(rest, AT_ONCE)):
        columns = {name: [row.get(name) for row in some] for name in schema.names}
        yield pa.table(columns, schema=schema)


def read_table(
    path: Path,
    columns: "pa.Schema | Mapping[str, pa.DataType] | Sequence[str]",
    cure: str,
    *,
    once: Sequence[str] = (),
    only: bool = False,
    without: Sequence[str] = (),
) -> "pa.Table":
    """Reads a table of ours, or says in one line why it cannot be used.

    Arguments:
        path: The file.
        columns: What it must hold, of the type that each has, or of any; others are read too. The
            precision of numbers, and how text is kept, may differ: other programs write them
            otherwise.
        cure: What to do where it cannot be used, as a sentence.
        once: Columns that no two rows share all values of.
        only: Whether only these columns are read.
        without: Columns that are not read.

    Raises:
        NotFound: When it is missing.
        BadInput: When it is no table, of another version, lacks a column, or holds a row twice.
    """
    with _opened(path, columns, cure) as (file, wanted):
        names = wanted if only else file.schema_arrow.names
        table = file.read(columns=[name for name in names if name not in without])
        table.validate(full=True)  # Text that is not UTF-8 would be found by whoever looks at it.
    if (row := doubled(table, once)) is not None:
        said = ", ".join(f"{name} {value}" for name, value in row.items())
        raise BadInput(f'"{path}" holds the row of {said} twice. {cure}')
    return table


def read_batches(
    path: Path, columns: Sequence[str], cure: str, *, optional: Sequence[str] = ()
) -> "Iterator[pa.RecordBatch]":
    """Reads some columns of a table of ours a few rows at a time.

    Arguments:
        path: The file.
        columns: What it must hold.
        cure: What to do where it cannot be used, as a sentence.
        optional: What is read too, where it is there.

    Raises:
        NotFound: When it is missing.
        BadInput: When it is no table, of another version, or lacks a column.
    """
    with _opened(path, columns, cure) as (file, wanted):
        names = [*wanted, *(name for name in optional if name in file.schema_arrow.names)]
        for batch in file.iter_batches(AT_ONCE, columns=names):
            batch.validate(full=True)
            yield batch


@contextmanager
def _opened(
    path: Path, columns: "pa.Schema | Mapping[str, pa.DataType] | Sequence[str]", cure: str
) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A table of ours, and what it must hold, which it does."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    if not path.is_file():
        raise NotFound(f'"{path.parent}" has no {path.name}. {cure}')
    wanted: dict[str, Any] = (
        {name: columns.field(name).type for name in columns.names}
        if isinstance(columns, pa.Schema)
        else (dict(columns) if isinstance(columns, Mapping) else dict.fromkeys(columns))
    )
    try:
        # A bit that a disk has turned over in a number is still a number. Files of before have no
        # checksums, and are read as they are.
        with parquet.ParquetFile(path, page_checksum_verification=True) as file:
            _require_columns(path, file.schema_arrow, wanted, cure)
            yield file, wanted
    except (OSError, UnicodeDecodeError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f'"{path}" is not a readable table ({reason}). {cure}') from error


def doubled(table: "pa.Table", names: Sequence[str]) -> "dict[str, Any] | None":
    """The first row that stands in a table twice, by the columns that tell rows apart.

    Arguments:
        table: The table.
        names: The columns; with none nothing is looked for.
    """
    import pyarrow.compute as compute

    if not names or not table.num_rows:
        return None
    counted = table.select(list(names)).group_by(list(names)).aggregate([([], "count_all")])
    twice = counted.filter(compute.greater(counted["count_all"], 1))
    return {name: twice[name][0].as_py() for name in names} if twice.num_rows else None


def _require_columns(
    path: Path, found: "pa.Schema", columns: "Mapping[str, pa.DataType | None]", cure: str
) -> None:
    version = (found.metadata or {}).get(_MARK + b"version")
    require_version(path, _number(version), cure)
    for name, wanted in columns.items():
        if found.names.count(name) != 1:
            how = "no" if name not in found.names else "more than one"
            raise BadInput(f'"{path}" has {how} column "{name}". {cure}')
        kind = _kind(found.field(name).type)
        if wanted is not None and kind not in (_kind(wanted), "nothing"):
            raise BadInput(
                f'The column "{name}" of "{path}" holds {kind}, not {_kind(wanted)}. {cure}'
            )


def _number(said: bytes | None) -> int | str | None:
    if said is None:
        return None
    text = said.decode("utf-8", "replace")
    return int(text) if text.isascii() and text.isdigit() else text


def _kind(type: "pa.DataType") -> str:
    """What values of a type are, whatever their precision and how they are kept."""
    import pyarrow.types as types

    if types.is_dictionary(type):
        return _kind(type.value_type)
    if types.is_list(type) or types.is_large_list(type) or types.is_fixed_size_list(type):
        return f"lists of {_kind(type.value_type)}"
    for holds, word in (
        (types.is_null, "nothing"),
        (types.is_boolean, "yes or no"),
        (types.is_string, "text"),
        (types.is_large_string, "text"),
        (types.is_floating, "numbers"),
        (types.is_integer, "numbers"),
    ):
        if holds(type):
            return word
    return str(type)


def csv_of(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as CSV, in UTF-8.

    Controls are shown (`cell`), and text that a spreadsheet would run as a formula is given an
    apostrophe in front.

    Arguments:
        columns: The heads.
        rows: The values of each row, in the same order; None leaves a cell empty.
    """
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(columns)
    for row in rows:
        writer.writerow([cell(one) if isinstance(one, str) else one for one in row])
    return text.getvalue().encode("utf-8", "replace")
