"""Arrays on disk that a killed run goes on from, each with a checksum beside it until all are done.

A bit that a disk has turned over in a pixel or in a vector is another neighbour, and `.npy` has no
place for a checksum. So it lies in a hidden file, which goes when the run vouches for its files
itself.
"""

import io
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solidmark.runs import write_bytes

_PART = 2**20


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Writes an array, whole or not at all, and before it its checksum."""
    file = io.BytesIO()
    np.save(file, array)
    write_bytes(_beside(path), f"{zlib.crc32(file.getbuffer()):08x}".encode())
    write_bytes(path, file.getvalue())


def is_intact(path: Path) -> bool:
    """Whether an array is as it was written; also where none was, or nothing vouches for it."""
    beside = _beside(path)
    if not beside.is_file():
        return True
    if not path.is_file():
        return False
    state = 0
    with open(path, "rb") as file:
        while data := file.read(_PART):
            state = zlib.crc32(data, state)
    return beside.read_bytes() == f"{state:08x}".encode()


def forget_checksums(folder: Path) -> None:
    """Removes the checksums below a folder."""
    for path in folder.rglob(".*.npy.sum"):
        path.unlink()


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.sum")
