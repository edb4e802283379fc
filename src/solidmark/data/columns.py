"""Which column of a table is the caption, the class, the group and the id."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from solidmark.data.classes import NamedClass, class_label, whole_number
from solidmark.data.records import Loader, Record, quoted
from solidmark.errors import BadInput

CAPTIONS = ("text", "caption")
# A marked folder has both, `label` the number and `class` the name: a person reads the name.
LABELS = ("class", "label")
GROUPS = ("group",)
IDS = ("id",)


@dataclass(frozen=True)
class Columns:
    """The names of the columns. `None` takes the first usual name that the table has.

    Arguments:
        image: Where the pictures are; "file_name" is understood in metadata files.
        caption: The text, usually "text" or "caption".
        label: The class, usually "class" or "label".
        group: What must stay together, usually "group".
        id: The user's id, usually "id"; else the path is the id.
        number: The class's number, where `label` is its name.
        other_captions: Where a row has its caption that has none in `caption`.
    """

    image: str = "image"
    caption: str | None = None
    label: str | None = None
    group: str | None = None
    id: str | None = None
    number: str | None = None
    other_captions: tuple[str, ...] = ()

    @property
    def asked(self) -> list[str]:
        """The columns that the user named."""
        return [c for c in (self.caption, self.label, self.group, self.id) if c is not None]

    def found_in(self, names: Iterable[str], table: str) -> "Columns":
        """Replaces each `None` by the usual name that is there.

        Arguments:
            names: The columns of the table.
            table: What to call it in messages.

        Raises:
            BadInput: When a named column is missing.
        """
        there = list(dict.fromkeys(names))
        for name in self.asked:
            if name not in there:
                raise missing(name, there, table)
        # A marked folder has the name of a class in "class" and its number in "label".
        both = self.label is None and set(LABELS) <= set(there)
        return replace(
            self,
            number="label" if both else None,
            other_captions=()
            if self.caption
            else tuple(name for name in CAPTIONS if name in there)[1:],
            caption=_first(self.caption, CAPTIONS, there),
            label=_first(self.label, LABELS, there),
            group=_first(self.group, GROUPS, there),
            id=_first(self.id, IDS, there),
        )

    @property
    def words(self) -> list[str]:
        """The columns to read besides the image, after `found_in`, each once."""
        number = () if self.number is None else (self.number,)
        return list(dict.fromkeys([*self.asked, *number, *self.other_captions]))

    def unused(self, names: Iterable[str], image: str) -> list[str]:
        """The columns that nothing is read from, after `found_in`."""
        read = {image, *self.words}
        return [name for name in dict.fromkeys(names) if name not in read]

    def record(self, row: Mapping[str, Any], id: str, load: Loader, place: str) -> Record:
        """One row as a record; where a value cannot be used, it has a flaw.

        Arguments:
            row: The row's values by column.
            id: The id, unless a column gives it.
            load: Gives the picture.
            place: Where the row stands, for messages.
        """
        try:
            return self._record(row, id, load, place)
        except BadInput as error:
            return Record(id, load, place=place, flaw=str(error))

    def _record(self, row: Mapping[str, Any], id: str, load: Loader, place: str) -> Record:
        if self.id is not None:
            value = text(row.get(self.id), f"{place}, {quoted(self.id)}")
            if not value:
                raise BadInput(f"{place} has no {quoted(self.id)}. Give every image an id.")
            id = value
        label: Any = row.get(self.label) if self.label else None
        number: int | None = None
        if isinstance(label, NamedClass):
            label, number = label.name, label.number
        elif self.number is not None:
            number = whole_number(text(row.get(self.number), f"{place}, {quoted(self.number)}"))
        texts = (row.get(name) for name in (self.caption, *self.other_captions) if name)
        told = next((cell for cell in texts if cell is not None), None)
        if label is None and self.number is not None:  # A row may have one of the two.
            label = row.get(self.number)
        caption, name, group = (
            text(cell, f"{place}, {quoted(column)}") if column else None
            for column, cell in (
                (self.caption, told),
                (self.label, label),
                (self.group, row.get(self.group or "")),
            )
        )
        name = class_label(name)
        number = None if name is None else number
        return Record(id, load, caption, name, group, place, class_number=number)


def missing(name: str, there: Iterable[str], table: str) -> BadInput:
    """The error for a column that is not there."""
    names = ", ".join(quoted(column) for column in there) or "none"
    return BadInput(f"{table} has no column {quoted(name)}. Its columns: {names}.")


def text(value: Any, place: str) -> str | None:
    """A cell as text: numbers are written out, of several captions the first is taken.

    A whole number that was stored as 10.0, as tables with gaps do, is written as 10.

    Raises:
        BadInput: When the cell holds anything else.
    """
    if isinstance(value, list | tuple):
        value = value[0] if value else None
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    if isinstance(value, bytes):
        try:
            return value.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise BadInput(f"{place} is not UTF-8 ({error.reason}). Save it as UTF-8.") from error
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, str | int | float):
        return str(value).encode("utf-8", "backslashreplace").decode()
    raise BadInput(f"{place} holds {type(value).__name__}, not text. Name another column.")


def _first(asked: str | None, usual: Iterable[str], there: list[str]) -> str | None:
    if asked is not None:
        return asked
    return next((name for name in usual if name in there), None)
