"""One look at every image of a data set: its size, its likeness, and whether it can be read."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from solidmark.data import Dataset, Signature, Source, identity_of, sign
from solidmark.errors import BadInput, BrokenImage
from solidmark.measures.nearest.gathering import contrast
from solidmark.runs import Room, Run, Work, work_through

_BATCH = 64


@dataclass(frozen=True)
class Looked:
    """What was seen of an image.

    Arguments:
        number: Of the image in the data set.
        size: Its height and width, in pixels.
        signature: What near copies are found by.
        caption: The text that belongs to it.
        contrast: The standard deviation of the pixels round the mean of their channel.
    """

    number: int
    id: str
    size: tuple[int, int]
    signature: Signature
    caption: str | None = None
    contrast: float = 0.0

    @property
    def content(self) -> str:
        """The hash of its pixels."""
        return self.signature.content

    @property
    def rank(self) -> tuple[int, str]:
        """Of copies the largest image is kept, of these the one with the smallest id."""
        return -self.size[0] * self.size[1], self.id


def look_at(
    run: Run, data: Dataset, opened: Callable[[], Dataset] | None = None
) -> tuple[list[Looked], dict[str, str]]:
    """Looks at all images, by whatever the engine has; what a killed run has seen is kept.

    Arguments:
        opened: How another process opens the data; None where only this one can.

    Returns:
        Those that can be read, in the order of the data set; and of the others, by id, why not.

    Raises:
        BadInput: When none can be read.
    """
    every = range(len(data))
    batches = [every[first : first + _BATCH] for first in range(0, len(data), _BATCH)]
    away = None if opened is None else _Away(Source(opened, identity_of(data)))
    look, room = partial(_look_at, data), Room(_BATCH, "cpu")
    title = "looking at images"
    rows = work_through(run, title, batches, _name, look, room, away=away, threads=1)
    seen: list[Looked] = []
    broken: dict[str, str] = {}
    for number, id in enumerate(data.ids):
        row = rows[_name(number)]
        if "broken" in row:
            broken[id] = row["broken"]
        else:
            height, width = row.pop("size")
            signature = Signature(**row.pop("signature"))
            seen.append(Looked(number, id, (height, width), signature, **row))
    if not seen:
        raise BadInput(
            f"None of the {len(data)} images can be read, the first because: "
            f"{next(iter(broken.values()))[:200]} Name other data, or mend them."
        )
    return seen, broken


@dataclass(frozen=True)
class _Away:
    """How another process looks."""

    source: Source

    def open(self, folder: Path, room: Room) -> Work[int]:
        return partial(_look_at, self.source.data())


def _look_at(data: Dataset, numbers: Sequence[int]) -> dict[str, Any]:
    return {_name(number): _look(data, number) for number in numbers}


def _name(number: int) -> str:
    return f"image {number:09d}"


def _look(data: Dataset, number: int) -> dict[str, Any]:
    try:
        sample = data[number]
    except BrokenImage as error:
        return {"broken": str(error)}
    return {
        "signature": asdict(sign(sample)),
        "size": list(sample.image.shape[-2:]),
        "caption": sample.caption,
        "contrast": contrast(sample.image),
    }
