"""Marked images in numbered tars, as WebDataset has them: written whole, read by `tar/member`."""

import io
import tarfile
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from solidmark.errors import BrokenImage
from solidmark.runs import whole_file

INDEXED = 64
"""So many tars are remembered: where each of their members lies."""

_LIES = (tarfile.TarError, EOFError, ValueError, ArithmeticError, LookupError, MemoryError)
"""What the library raises, where a header is not what it should be."""


def write_tar(path: Path, members: Iterable[tuple[str, bytes]]) -> None:
    """Writes a tar, whole or not at all; the same members are the same bytes.

    Arguments:
        path: The tar.
        members: The name of each, and what it holds; they are taken one by one.
    """
    with whole_file(path) as file, tarfile.open(fileobj=file, mode="w|") as tar:
        for name, data in members:
            told = tarfile.TarInfo(name)  # No time, no owner: nothing of this machine.
            told.size = len(data)
            tar.addfile(told, io.BytesIO(data))


def read_bytes(path: Path) -> bytes:
    """The bytes of a file, or of a member of a tar by its path: `train/00003.tar/picture.png`.

    Raises:
        OSError: When it is not there, or cannot be read.
        BrokenImage: When it is no file, or the tar is damaged or does not hold it.
    """
    tar = next((parent for parent in path.parents if parent.suffix == ".tar"), None)
    if tar is None or not tar.is_file():
        if path.exists() and not (path.is_file() or path.is_dir()):
            raise BrokenImage(f'"{path}" is a pipe or a device.')  # Which may never end.
        return path.read_bytes()
    facts = tar.stat()
    name = path.relative_to(tar).as_posix()
    places = _places(tar, facts.st_mtime_ns, facts.st_size)
    if name not in places:
        raise BrokenImage(f'"{tar}" does not hold "{name}".')
    offset, size = places[name]
    with open(tar, "rb") as file:
        file.seek(offset)
        data = file.read(size)
    if len(data) < size:
        raise BrokenImage(f'"{tar}" ends inside it.')
    return data


@lru_cache(maxsize=INDEXED)
def _places(tar: Path, time: int, size: int) -> dict[str, tuple[int, int]]:
    """Where each member lies; gone through once, as long as the tar is the same."""
    try:
        with tarfile.open(tar, "r:") as opened:
            return {one.name: (one.offset_data, one.size) for one in opened if one.isreg()}
    except _LIES as error:
        raise BrokenImage(f'"{tar}" is damaged ({error}).') from error
