"""What a source finds: ids with their words, and how to get at the pixels later."""

import base64
import json
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from PIL import Image as Picture

from solidmark.data.classes import class_numbers
from solidmark.data.dataset import Dataset, Sample
from solidmark.data.decode import is_grey
from solidmark.data.dicom import HEAD, is_dicom, patient_of
from solidmark.data.prepare import Preparation
from solidmark.errors import BadInput, BrokenImage
from solidmark.randomness import digest
from solidmark.runs import tame

if TYPE_CHECKING:
    from solidmark.data.hashed import Pseudonyms
    from solidmark.data.inventory import Inventory

LOOKED_AT = 16
"""So many pictures, or up to twice as many, tell whether a data set is grey."""
LONGEST = 300
"""Longer texts are cut in messages: a cell may hold a whole picture."""
_LEAST_BASE64 = 64
_TELLING = re.compile(r'"(?:[^"\\]|\\.)*"|\s*\(.*\)', re.DOTALL)
"""What in a reason may name a file, or tell what stands in it."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-]+={0,2}", re.ASCII)

Loader = Callable[[], bytes | Picture.Image]


@dataclass(frozen=True, slots=True)
class Record:
    """One image of a source, not read yet.

    Arguments:
        id: Unique in the data set.
        load: Gives the bytes of a file, or a picture. Called each time the image is needed.
        caption: The text that belongs to it.
        label: The name of its class.
        group: Images of one group are never divided.
        place: Where it was named ("line 7"), for messages.
        flaw: Why it cannot be used, whatever its picture is.
        class_number: The number that the source itself gives its class.
    """

    id: str
    load: Loader
    caption: str | None = None
    label: str | None = None
    group: str | None = None
    place: str = ""
    flaw: str | None = None
    class_number: int | None = None


@dataclass(frozen=True)
class Records:
    """A data set over records: ordered by id, decoded when asked.

    Arguments:
        records: The records, sorted by id.
        preparation: How each picture becomes a tensor.
        numbers: The number of each class of the whole source by its name; None where these are all.
        inventory: What the source holds, and what of it is not used.
        own_mode: Whether they become "L" where they are grey, whatever the preparation says. Some
            are looked at when the first is asked for; one in colour among the others is broken.
        lost: Which of the images that were asked for lost something on the way, by `NOTES`.
        hashed: By what ids and groups are called, where by hashes: then no reason names a file.
    """

    records: tuple[Record, ...] = field(repr=False)
    preparation: Preparation
    numbers: Mapping[str, int] | None = field(default=None, repr=False)
    inventory: "Inventory | None" = field(default=None, repr=False)
    own_mode: bool = False
    lost: dict[str, set[str]] = field(default_factory=dict, repr=False, compare=False)
    hashed: "Pseudonyms | None" = field(default=None, repr=False)

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

    @cached_property
    def classes(self) -> Mapping[str, int]:
        """The number of each class by its name."""
        if self.numbers is not None:
            return self.numbers
        return class_numbers((record.label, record.class_number) for record in self.records)

    def __len__(self) -> int:
        return len(self.records)

    def __getitem__(self, index: int) -> Sample:
        record = self.records[index]
        if record.flaw is not None:
            raise BrokenImage(f"{quoted(record.id)} cannot be used. {record.flaw}")
        try:
            data = record.load()
            found = self.how.prepared(data)
        except BrokenImage as error:
            why = error if self.hashed is None else unnamed(str(error))
            raise BrokenImage(f"{quoted(record.id)} is broken. {why}") from error
        for name in found.notes:
            self.lost.setdefault(name, set()).add(record.id)
        return Sample(
            id=record.id,
            image=found.image,
            content=found.content,
            caption=record.caption,
            label=record.label,
            group=self._patient(data) if record.group is None else record.group,
            class_index=None if record.label is None else self.classes.get(record.label),
            notes=found.notes,
        )

    def group(self, index: int) -> str | None:
        """The group of an image, without decoding it; None where it has none, or cannot be read."""
        record = self.records[index]
        if record.group is not None or record.flaw is not None:
            return record.group
        if not getattr(record.load, "is_dicom", False):
            return None  # A million files need not be read whole to know that they are PNGs.
        try:
            return self._patient(record.load())
        except BrokenImage:
            return None

    def _patient(self, data: bytes | Picture.Image) -> str | None:
        """Whom a DICOM file shows, where no column says it: never by the number itself."""
        name = patient_of(data) if isinstance(data, bytes) and is_dicom(data) else None
        if name is None:
            return None
        if self.hashed is not None:
            return self.hashed.of("group", name)
        return f"patient-{digest(0, 'patient', name).hex()[:12]}"


def _is_grey(record: Record) -> bool:
    try:
        return is_grey(record.load())
    except BrokenImage:
        return False


def inventories(**sides: Dataset | None) -> dict[str, Any]:
    """The inventory of each set of images, as it stands in a manifest; only of those that have one.

    Arguments:
        sides: The sets by name; frames that are cut off, and numbers for classes, hide none.
    """
    found = {}
    for name, side in sides.items():
        inner: Any = side
        while inner is not None and not isinstance(inner, Records):
            inner = getattr(inner, "data", None)
        if inner is not None and inner.inventory is not None:
            found[name] = inner.inventory.to_json()
    return found


@dataclass(frozen=True, slots=True)
class FileBytes:
    """Reads a file when called."""

    path: Path

    def __call__(self) -> bytes:
        try:
            path = self.path if self.path.exists() else on_disk(self.path)
            if not path.is_file():  # A pipe that is called x.png would block for ever.
                raise BrokenImage(f"There is no file {quoted(self.path)}.")
            return path.read_bytes()
        except OSError as error:  # Also a name that is longer than the system takes.
            raise BrokenImage(f"{quoted(self.path)} cannot be read ({error.strerror}).") from error
        except ValueError as error:
            raise BrokenImage(f"{quoted(self.path)} is no path ({error}).") from error

    @property
    def is_dicom(self) -> bool:
        """Whether it begins as DICOM files do; one that cannot be read does not."""
        try:
            with open(self.path if self.path.exists() else on_disk(self.path), "rb") as file:
                return is_dicom(file.read(HEAD))
        except (OSError, ValueError):
            return False


def head_of(file: Path, count: int) -> bytes:
    """The first bytes of a file, to say what is wrong with it.

    Raises:
        BadInput: When it cannot be read at all.
    """
    try:
        with open(file, "rb") as data:
            return data.read(count)
    except OSError as error:
        raise BadInput(f"{quoted(file)} cannot be read ({error.strerror}).") from error


def on_disk(path: Path) -> Path:
    """The path as the disk spells it: accents are written in two ways (NFC, NFD) and mean one."""
    if path.name.isascii() and (path.parent == path or path.parent.exists()):
        return path
    parent = path.parent if path.parent.exists() else on_disk(path.parent)
    return parent / _spelt(parent).get(unicodedata.normalize("NFC", path.name), path.name)


@lru_cache(maxsize=16)
def _spelt(folder: Path) -> dict[str, str]:
    """The names in a folder that are not plain ASCII, by their composed form."""
    try:
        names = os.listdir(folder)
    except OSError:
        return {}
    return {unicodedata.normalize("NFC", name): name for name in names if not name.isascii()}


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
    if isinstance(value, str) and (data := embedded(value)) is not None:
        return data
    if isinstance(value, str):
        try:
            return FileBytes(below(folder, value))()
        except BadInput as error:
            raise BrokenImage(str(error)) from error
    if isinstance(value, bytes | Picture.Image):
        return value
    raise BrokenImage(f"The table holds no image here ({type(value).__name__}).")


def embedded(text: str) -> bytes | None:
    """The bytes that a text holds itself, as a data URI or in base64; None when it is a path.

    Only a long text is taken for base64, and only where it has no dot, as a file's name has.
    """
    if text[:5].lower() == "data:":
        head, comma, body = text.partition(",")
        if not comma:
            raise BrokenImage(f"{quoted(text)} is a data URI without data.")
        if not head.lower().endswith(";base64"):
            return unquote_to_bytes(body)
        found = _from_base64(body)
        if found is None:
            raise BrokenImage(f"{quoted(text)} is not base64.")
        return found
    return _from_base64(text) if len(text) >= _LEAST_BASE64 else None


def _from_base64(text: str) -> bytes | None:
    packed = "".join(text.split()).rstrip("=")
    if not _BASE64.fullmatch(packed):
        return None
    try:
        return base64.urlsafe_b64decode(
            packed.replace("+", "-").replace("/", "_") + "=" * (-len(packed) % 4)
        )
    except ValueError:
        return None


def unnamed(reason: str) -> str:
    """Why something cannot be used, without names and without what a decoder says of the file.

    Example:
        >>> unnamed('"scans/Jane Doe.png" is broken. It cannot be decoded (Jane Doe).')
        '"..." is broken. It cannot be decoded.'
    """
    return _TELLING.sub(lambda found: '"..."' if found[0].startswith('"') else "", reason)


def quoted(value: object) -> str:
    """A value in quotes, on one line whatever it holds; the middle of a long one is left out."""
    text = str(value).encode("utf-8", "backslashreplace").decode()
    if len(text) > LONGEST:
        text = f"{text[: LONGEST // 2]}...{text[-LONGEST // 4 :]}"
    return tame(json.dumps(text, ensure_ascii=False))
