"""WebDataset tars: `0001.jpg`, `0001.txt`, `0001.json`, `0001.cls` are one sample.

Each tar is gone through once for the names and the words; a picture is read by its offset.
"""

import json
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from solidmark.data.columns import Columns
from solidmark.data.folder import EXTENSIONS
from solidmark.data.records import Record, path_id, quoted
from solidmark.errors import BadInput, BrokenImage

_WORDS = {"txt": "text", "text": "text", "caption": "text", "cls": "class"}


@dataclass(frozen=True)
class Slice:
    """Reads a part of a file when called."""

    path: Path
    offset: int
    size: int

    def __call__(self) -> bytes:
        try:
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                data = file.read(self.size)
        except OSError as error:
            raise BrokenImage(f"{quoted(self.path)} cannot be read ({error.strerror}).") from error
        if len(data) < self.size:
            raise BrokenImage(f"{quoted(self.path)} ends inside it.")
        return data


@dataclass(frozen=True)
class _Found:
    """A sample of a tar: its picture and its words."""

    name: str
    image: Slice
    words: dict[str, Any]


def tar_records(files: list[Path], folder: Path, columns: Columns) -> list[Record]:
    """The samples of WebDataset tars. The id is the tar's path and the picture's name in it.

    Arguments:
        files: The tars.
        folder: The data folder, which the ids are relative to.
        columns: The columns' names in the samples' JSON; "text" is the `.txt`, "class" the `.cls`.

    Raises:
        BadInput: When a tar cannot be read, or its JSON cannot.
    """
    samples = [(file, found) for file in files for found in _samples(file)]
    names = (name for _, found in samples for name in found.words)
    known = columns.found_in(names, "The tar's samples") if samples else columns
    return [
        known.record(
            found.words,
            f"{path_id(file.relative_to(folder))}/{found.name}",
            found.image,
            f"{quoted(found.name)} in {quoted(file)}",
        )
        for file, found in samples
    ]


def _samples(file: Path) -> Iterator[_Found]:
    """The samples of one tar, in its order. Those without a picture are left out."""
    try:
        with tarfile.open(file, "r:") as tar:
            groups = _grouped(tar, file)
            for members in groups.values():
                image = next((m for e, m in members.items() if _is_image(e)), None)
                if image is not None:
                    place = Slice(file, image.offset_data, image.size)
                    yield _Found(_clean(image.name), place, _words(tar, members, file))
    except (tarfile.TarError, OSError) as error:
        raise BadInput(
            f"{quoted(file)} is not a plain tar ({error}). Unpack it if it is compressed."
        ) from error


def _grouped(tar: tarfile.TarFile, file: Path) -> dict[str, dict[str, tarfile.TarInfo]]:
    """The members by key (the path up to the first dot of the name) and extension."""
    groups: dict[str, dict[str, tarfile.TarInfo]] = {}
    for member in tar:
        path = PurePosixPath(_clean(member.name))
        stem, _, extension = path.name.partition(".")
        if not member.isfile() or not stem:
            continue
        group = groups.setdefault(str(path.with_name(stem)), {})
        if group.setdefault(extension.lower(), member) is not member:
            raise BadInput(
                f"{quoted(file)} holds {quoted(path)} twice. Give every sample its own name."
            )
    return groups


def _words(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo], file: Path) -> dict[str, Any]:
    """The JSON of a sample, with its text and its class."""
    words: dict[str, Any] = {}
    for extension, member in members.items():
        if extension != "json" and extension not in _WORDS:
            continue
        stream = tar.extractfile(member)
        data = stream.read() if stream else b""
        try:
            value = data.decode("utf-8-sig").strip()
            facts = json.loads(value) if extension == "json" else {_WORDS[extension]: value}
            words = {**facts, **words} if extension == "json" else {**words, **facts}
        except (ValueError, TypeError, RecursionError) as error:
            raise BadInput(
                f"{quoted(member.name)} in {quoted(file)} cannot be read ({error}). Mend it."
            ) from error
    return words


def _clean(name: str) -> str:
    return path_id(PurePosixPath(name.removeprefix("./")))


def _is_image(extension: str) -> bool:
    return "." + extension.rsplit(".", 1)[-1] in EXTENSIONS
