"""What a source finds: ids with their words, and how to get at the pixels later."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from pathlib import Path, PurePath
from typing import Any

from PIL import Image as Picture

from solidmark.data.dataset import Sample
from solidmark.data.decode import is_grey
from solidmark.data.prepare import Preparation
from solidmark.errors import BadInput, BrokenImage

LOOKED_AT = 16
"""So many pictures, or up to twice as many, tell whether a data set is grey."""

Loader = Callable[[], bytes | Picture.Image]


@dataclass(frozen=True)
class Record:
    """One image of a source, not read yet.

    Arguments:
        id: Unique in the data set.
        load: Gives the bytes of a file, or a picture. Called each time the image is needed.
        caption: The text that belongs to it.
        label: The name of its class.
        group: Images of one group are never divided.
        place: Where it was named ("line 7"), for messages.
    """

    id: str
    load: Loader
    caption: str | None = None
    label: str | None = None
    group: str | None = None
    place: str = ""


@dataclass(frozen=True)
class Records:
    """A data set over records: ordered by id, decoded when asked.

    Arguments:
        records: The records, sorted by id.
        preparation: How each picture becomes a tensor.
        own_mode: Whether they become "L" where they are grey, whatever the preparation says. Some
            are looked at when the first is asked for; one in colour among the others is broken.
    """

    records: tuple[Record, ...] = field(repr=False)
    preparation: Preparation
    own_mode: bool = False

    @cached_property
    def how(self) -> Preparation:
        """How each picture becomes a tensor, once that is settled."""
        step = max(1, len(self.records) // LOOKED_AT)
        if self.own_mode and all(_is_grey(record) for record in self.records[::step]):
            return replace(self.preparation, mode="L", grey=True)
        return self.preparation

    @cached_property
    def ids(self) -> list[str]:
        return [record.id for record in self.records]

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        record = self.records[index]
        try:
            found = self.how.prepared(record.load())
        except BrokenImage as error:
            raise BrokenImage(f"{quoted(record.id)} is broken. {error}") from error
        return Sample(
            record.id,
            found.image,
            found.content,
            record.caption,
            record.label,
            record.group,
            notes=found.notes,
        )


def _is_grey(record: Record) -> bool:
    try:
        return is_grey(record.load())
    except BrokenImage:
        return False


@dataclass(frozen=True)
class FileBytes:
    """Reads a file when called."""

    path: Path

    def __call__(self) -> bytes:
        if not self.path.is_file():  # A pipe that is called x.png would block for ever.
            raise BrokenImage(f"There is no file {quoted(self.path)}.")
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise BrokenImage(f"{quoted(self.path)} cannot be read ({error.strerror}).") from error


def ordered(records: Iterable[Record]) -> tuple[Record, ...]:
    """Sorts records by id.

    Raises:
        BadInput: When two records have the same id.
    """
    result = tuple(sorted(records, key=lambda record: record.id))
    for one, two in pairwise(result):
        if one.id == two.id:
            places = f" ({one.place}; {two.place})" if one.place else ""
            raise BadInput(
                f"Two images have the id {quoted(one.id)}{places}. "
                "Make the ids unique, or name another id column."
            )
    return result


def with_class_folders(records: Iterable[Record]) -> list[Record]:
    """Labels each record by the first folder of its id, unless it lies in none."""
    return [
        replace(record, label=record.id.split("/", 1)[0]) if "/" in record.id else record
        for record in records
    ]


def path_id(path: PurePath) -> str:
    """A path as an id: slashes on every system, and text that UTF-8 can hold."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")


def below(folder: Path, name: str) -> Path:
    """The file of this name below the folder.

    Raises:
        BadInput: When the name leads out of the folder.
    """
    path = PurePath(name)
    inside = os.path.normpath(name).split(os.sep)[0] != os.pardir
    if path.is_absolute() or not inside or "\0" in name or not path.name:
        raise BadInput(
            f"{quoted(name)} is no path of a file below {quoted(folder)}. "
            "Write it relative to that folder."
        )
    return folder / path


def picture_in(value: Any, folder: Path) -> bytes | Picture.Image:
    """The picture that a table cell holds: bytes, a path, `{"bytes", "path"}`, or a picture.

    Raises:
        BrokenImage: When there is none.
    """
    if isinstance(value, Mapping):
        value = value.get("bytes") or value.get("path")
    if isinstance(value, str):
        try:
            return FileBytes(below(folder, value))()
        except BadInput as error:
            raise BrokenImage(str(error)) from error
    if isinstance(value, bytes | Picture.Image):
        return value
    raise BrokenImage(f"The table holds no image here ({type(value).__name__}).")


def quoted(value: object) -> str:
    """A value in quotes, on one line whatever it holds."""
    text = str(value).encode("utf-8", "backslashreplace").decode()
    return json.dumps(text, ensure_ascii=False)
