"""Tables of ours: written with the version of their format, and read with every doubt said.

Arrow is imported where it is needed: most commands that only show their help never do.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from solidmark.errors import BadInput, NotFound
from solidmark.runs.files import write_bytes
from solidmark.runs.formats import VERSION, require_version

if TYPE_CHECKING:
    import pyarrow as pa

_MARK = b"solidmark."
"""What the names of our entries in the metadata of a table begin with."""


def table_bytes(table: "pa.Table", **facts: str | int) -> bytes:
    """A table as the bytes of a Parquet file.

    Arguments:
        table: The table.
        facts: What is kept beside its columns, by name.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    said = {"version": VERSION, **facts}
    ours = {_MARK + name.encode(): str(value).encode() for name, value in said.items()}
    sink = pa.BufferOutputStream()
    parquet.write_table(
        table.replace_schema_metadata({**(table.schema.metadata or {}), **ours}), sink
    )
    return bytes(sink.getvalue().to_pybytes())


def write_table(path: Path, table: "pa.Table") -> None:
    """Writes a table; whole or not at all."""
    write_bytes(path, table_bytes(table))


def read_table(path: Path, columns: "Mapping[str, pa.DataType]", cure: str) -> "pa.Table":
    """Reads a table of ours, or says in one line why it cannot be used.

    Arguments:
        path: The file.
        columns: What it must hold, of the type that each has; others are read too. The precision
            of numbers, and how text is kept, may differ: other programs write them otherwise.
        cure: What to do where it cannot be used, as a sentence.

    Raises:
        NotFound: When it is missing.
        BadInput: When it is no table, of another version, or lacks a column.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    if not path.is_file():
        raise NotFound(f'"{path}" is missing. {cure}')
    try:
        table = parquet.ParquetFile(path).read()
    except (OSError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())[:200]
        raise BadInput(f'"{path}" is not a readable table ({reason}). {cure}') from error
    version = (table.schema.metadata or {}).get(_MARK + b"version")
    require_version(path, _number(version), cure)
    names = table.column_names
    for name, wanted in columns.items():
        if names.count(name) != 1:
            how = "no" if name not in names else "more than one"
            raise BadInput(f'"{path}" has {how} column "{name}". {cure}')
        found = table.schema.field(name).type
        if _kind(found) not in (_kind(wanted), "nothing"):
            raise BadInput(
                f'The column "{name}" of "{path}" holds {_kind(found)}, not {_kind(wanted)}. {cure}'
            )
    return table


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
