"""Ids and words of a marked folder, looked up without a dict: a million images are a few arrays."""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solidmark.errors import BadInput

AT_ONCE = 16_384
"""So many lines are Python objects at a time."""

LINES = pa.schema(
    [("id", pa.string()), ("text", pa.binary()), ("class", pa.binary()), ("label", pa.int64())]
)
"""What is kept of `metadata.jsonl`. Captions may hold what no UTF-8 can, as JSON may."""


def _bytes(value: Any) -> bytes:
    return str(value).encode("utf-8", "surrogatepass")


_KINDS: dict[str, Callable[[Any], Any]] = {"id": str, "text": _bytes, "class": _bytes, "label": int}


@dataclass(frozen=True)
class Lookup:
    """Finds the rows of a table by their ids.

    Arguments:
        table: The table, of which no two rows have one `id`.
    """

    table: pa.Table = field(repr=False)

    @cached_property
    def ids(self) -> pa.Array:
        return pc.cast(self.table["id"].combine_chunks(), pa.string())

    @cached_property
    def _order(self) -> Any:
        return pc.sort_indices(self.ids).to_numpy()

    def place(self, id: str) -> int | None:
        """Where an id stands; None where it does not."""
        low, high = 0, len(self._order)
        while low < high:
            middle = (low + high) // 2
            if self.ids[int(self._order[middle])].as_py() < id:
                low = middle + 1
            else:
                high = middle
        if low == len(self._order):
            return None
        place = int(self._order[low])
        return place if self.ids[place].as_py() == id else None

    def row(self, id: str) -> dict[str, Any]:
        """The row of an id, empty where there is none."""
        place = self.place(id)
        if place is None:
            return {}
        return {
            name: value.decode("utf-8", "surrogatepass") if isinstance(value, bytes) else value
            for name, value in self.table.slice(place, 1).to_pylist()[0].items()
        }

    def some(self, name: str, ids: Collection[str]) -> dict[str, Any]:
        """A column of some rows, by their ids; of those that are there."""
        wanted = pc.is_in(self.ids, value_set=pa.array(list(ids), pa.string()))
        table = self.table.select(["id", name]).filter(wanted)
        return dict(zip(table["id"].to_pylist(), table[name].to_pylist(), strict=True))

    def of(self, name: str, ids: pa.Array) -> pa.Array:
        """A column of some rows as text, in their order; null where a row is not there."""
        places = pc.index_in(ids, value_set=self.ids)
        found = self.table[name].take(places).combine_chunks()
        try:
            return pc.cast(found, pa.string())
        except pa.ArrowInvalid:  # Half of a surrogate pair.
            texts = (one and one.decode("utf-8", "backslashreplace") for one in found.to_pylist())
            return pa.array(texts, pa.string())


class Files(Mapping[str, str]):
    """The file of each image, relative to the marked folder.

    Arguments:
        table: The columns `id` and `file_name`.
    """

    def __init__(self, table: pa.Table) -> None:
        self._lookup = Lookup(table.filter(pc.greater(pc.utf8_length(table["file_name"]), 0)))

    def __getitem__(self, id: str) -> str:
        name = self._lookup.row(id).get("file_name")
        if name is None:
            raise KeyError(id)
        return str(name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._lookup.ids.to_pylist())

    def __len__(self) -> int:
        return len(self._lookup.ids)

    def some(self, ids: Collection[str]) -> dict[str, str]:
        """The files of some images."""
        return self._lookup.some("file_name", ids)


def read_lines(path: Path) -> Lookup:
    """The words of `metadata.jsonl`, by id.

    Raises:
        BadInput: When it is not JSON lines, or one has no id.
    """
    batches = []
    if path.is_file():
        with open(path, "rb") as file:
            rest = _parsed(path, file)
            while some := list(islice(rest, AT_ONCE)):
                batches.append(pa.RecordBatch.from_pylist(some, LINES))
    return Lookup(pa.Table.from_batches(batches, LINES))


def _parsed(path: Path, lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    # By the line feed alone: a caption may hold the line separators of Unicode.
    for data in lines:
        if not data.strip():
            continue
        try:
            line = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise BadInput(f'"{path}" is not JSON lines ({error}). Mark the data again.') from error
        if not isinstance(line, dict) or "id" not in line:
            raise BadInput(f'"{path}" has a line without "id". Mark the data again.')
        told = ((name, kind, line.get(name)) for name, kind in _KINDS.items())
        yield {name: kind(value) for name, kind, value in told if value is not None}
