"""WebDataset tars: `0001.jpg`, `0001.txt`, `0001.json`, `0001.cls` are one sample.

Each tar is gone through once for the names and the words; a picture is read by its offset.
"""

import os
import tarfile
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from solidmark.data.columns import Columns
from solidmark.data.dicom import HEAD, is_dicom
from solidmark.data.inventory import Found, Unused
from solidmark.data.records import Record, head_of, path_id, quoted
from solidmark.data.samples import Grouped, samples_of
from solidmark.data.words import Words, read_words
from solidmark.errors import BadInput, BrokenImage

_MAGIC = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"\x28\xb5\x2f\xfd", b"PK\x03\x04")
"""The first bytes of gzip, bzip2, xz, zstandard and zip."""
_LIES = (OSError, ValueError, ArithmeticError, LookupError, MemoryError)
"""What the library raises beside its own errors, where a header is not what it should be."""
_LINKS = 16
"""How many links in a row are followed."""


@dataclass(frozen=True, slots=True)
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

    @property
    def is_dicom(self) -> bool:
        """Whether it begins as DICOM files do."""
        try:
            return is_dicom(Slice(self.path, self.offset, min(self.size, HEAD))())
        except BrokenImage:
            return False


@dataclass(frozen=True)
class _Tar:
    """A tar: where each member lies, and what cannot be used."""

    path: Path
    members: dict[str, Slice]
    unused: list[Unused]

    def read(self, name: str) -> bytes:
        return self.members[name]()


def tar_records(files: list[Path], folder: Path, columns: Columns) -> Found:
    """The samples of WebDataset tars. The id is the tar's path and the picture's name in it.

    Arguments:
        columns: The columns' names in the samples' JSON; "text" is the `.txt`, "class" the `.cls`;
            the image is what follows the first dot of the pictures, the plain ones if not given.

    Raises:
        BadInput: When a tar cannot be read to its end, or a sample has several pictures.
    """
    told: list[tuple[str, Slice, Words]] = []
    columns_of: dict[str, None] = {}
    unused: list[Unused] = []
    for file in files:
        tar = _opened(file)
        grouped = samples_of(tar.members, quoted(file), tar=True, column=columns.image)
        _refuse_column(columns.image, grouped, file)
        for sample in grouped.samples:
            read = read_words(sample.words, tar.read, quoted(file))
            # Where the other members lie is forgotten with the tar.
            told.append((sample.picture, tar.members[sample.picture], read))
            columns_of |= dict.fromkeys(read.told)
            unused += _inside(file, folder, read.unused)
        unused += _inside(file, folder, [*tar.unused, *grouped.unused])
    known = columns.found_in(columns_of, "The tar's samples") if told else columns
    records = []
    told.reverse()
    while told:  # What is told of a sample goes as its record comes: of a million, not both.
        picture, load, words = told.pop()
        id = f"{path_id(load.path.relative_to(folder))}/{picture}"
        place = f"{quoted(picture)} in {quoted(load.path)}"
        record = (
            known.record(words.told, id, load, place)
            if words.flaw is None
            else Record(id, load, flaw=words.flaw)
        )
        # Where the id is the path, it says where the picture is, and no other has it.
        records.append(replace(record, place="") if known.id is None else record)
    return Found(records, unused)


def _inside(file: Path, folder: Path, unused: list[Unused]) -> list[Unused]:
    where = path_id(file.relative_to(folder))
    return [Unused(f"{where}/{one.name}", one.reason) for one in unused]


def _refuse_column(column: str, grouped: Grouped, file: Path) -> None:
    if column != "image" and not grouped.samples:
        raise BadInput(
            f"{quoted(file)} has no picture {quoted(column)}. In a tar --image-column is what "
            "follows the first dot of the pictures' names."
        )


def _opened(file: Path) -> _Tar:
    """Goes through a tar to its end."""
    members: dict[str, Slice] = {}
    links: dict[str, tarfile.TarInfo] = {}
    unused: list[Unused] = []
    try:
        with tarfile.open(file, "r:") as tar:
            for member in tar:
                name = _clean(member.name)
                if member.isdir() or PurePosixPath(name).name.startswith("."):
                    continue
                if name in members or name in links:
                    raise BadInput(
                        f"{quoted(file)} holds {quoted(name)} twice. "
                        "Give every sample its own name."
                    )
                if member.islnk() or member.issym():
                    links[name] = member
                elif member.issparse():
                    unused.append(Unused(name, "sparse members"))
                elif member.isreg():
                    members[name] = Slice(file, member.offset_data, member.size)
                else:
                    unused.append(Unused(name, "members that are no files"))
            _check_end(file, tar.offset)
    except (tarfile.TarError, *_LIES) as error:
        raise _unreadable(file, error) from error
    resolved = {name: _target(name, links, members) for name in links}
    for name, target in resolved.items():
        if target is None:
            unused.append(Unused(name, "links whose target is not in the tar"))
        else:
            members[name] = target
    return _Tar(file, members, unused)


def _target(
    name: str, links: dict[str, tarfile.TarInfo], members: dict[str, Slice]
) -> Slice | None:
    """What a link means; hard ones are relative to the tar, symbolic ones to their folder."""
    for _ in range(_LINKS):
        if name in members:
            return members[name]
        if name not in links:
            return None
        link = links[name]
        folder = "" if link.islnk() else os.path.dirname(name)
        name = _clean(os.path.normpath(os.path.join(folder, link.linkname)))
    return None


def _check_end(file: Path, offset: int) -> None:
    """Looks whether a tar ends where its members do: the library stops at a damaged header."""
    with open(file, "rb") as data:
        data.seek(offset)
        head = data.read(512)
        if len(head) < 512:
            raise _cut_off(file)
        if head.strip(b"\0"):
            raise BadInput(f"{quoted(file)} is damaged at byte {offset:,}. Make or get it again.")
        while block := data.read(2**20):
            if block.strip(b"\0"):
                raise BadInput(
                    f"{quoted(file)} goes on after its end: two tars in one file. Divide them."
                )


def _cut_off(file: Path) -> BadInput:
    return BadInput(
        f"{quoted(file)} is cut off: it ends before the tar does ({os.path.getsize(file):,} "
        "bytes are there). Get the rest, or make it again."
    )


def _unreadable(file: Path, error: Exception) -> BadInput:
    """Says what is wrong with a file that cannot be read as a tar."""
    head = head_of(file, 262)
    if head.startswith(_MAGIC):
        return BadInput(f"{quoted(file)} is compressed. Unpack it first.")
    if "ustar" in str(head[257:262]) or "unexpected end" in str(error):
        return _cut_off(file)
    return BadInput(f"{quoted(file)} is not a plain tar ({error}). Make or get it again.")


def _clean(name: str) -> str:
    return path_id(PurePosixPath(name.removeprefix("./")))
