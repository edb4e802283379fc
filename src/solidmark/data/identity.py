"""What a data set is recognised by, so that a run never goes on with another one of its name."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Protocol, runtime_checkable

from solidmark.data.dataset import Dataset
from solidmark.data.records import Record, Records
from solidmark.randomness import digest, digest_of


@runtime_checkable
class Recognised(Protocol):
    """A data set that knows more of itself than its ids."""

    @property
    def identity(self) -> str: ...


def identity_of(data: Dataset) -> str:
    """One hash for all that is known of a data set without a look at a picture.

    Arguments:
        data: The images.

    Returns:
        Of records the hash of ids, captions, classes and their numbers, groups and the sizes of
        the files that they lie in (pictures, tars, tables); of what says itself what it is, that;
        else of the ids.
    """
    if isinstance(data, Records):
        sizes: dict[Path, int] = {}
        words = (word for record in data.records for word in _words(record, sizes))
        return digest_of(0, chain(["records"], words)).hex()[:16]
    if isinstance(data, Recognised):
        return data.identity
    return digest(0, "ids", *data.ids).hex()[:16]


def _words(record: Record, sizes: dict[Path, int]) -> Iterator[str]:
    yield record.id
    for value in (record.caption, record.label, record.group):
        yield "-" if value is None else f"={value}"
    yield f"{record.class_number}"
    path = getattr(record.load, "path", None)
    if not isinstance(path, Path):
        yield "-"
        return
    if path not in sizes:  # A table holds many pictures.
        sizes[path] = _size(path)
    yield f"{sizes[path]} {getattr(record.load, 'size', '')}"  # Tars are filled up to full blocks.


def _size(path: Path) -> int:
    try:
        return int(path.stat().st_size)
    except OSError:
        return -1  # It will be quarantined.
