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
from solidmark.data.prepare import Preparation
from solidmark.errors import BadInput, BrokenImage

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
    """

    records: tuple[Record, ...] = field(repr=False)
    preparation: Preparation

    @cached_property
    def ids(self) -> list[str]:
        return [record.id for record in self.records]

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        record = self.records[index]
        try:
            image, content = self.preparation(record.load())
        except BrokenImage as error:
            raise BrokenImage(f"{quoted(record.id)} is broken. {error}") from error
        return Sample(record.id, image, content, record.caption, record.label, record.group)


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
