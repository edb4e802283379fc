"""The second pass of a marking: frames are painted, and files or tars written.

What is committed together is some files, or a tar whole. A piece says all that is needed of an
image, so that any process with the data can paint it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, overload

import numpy as np

from solidmark.data import Dataset, Source, content_hash
from solidmark.data.members import write_tar
from solidmark.errors import BrokenImage, RunConflict
from solidmark.late import functional, torch
from solidmark.marks.images import read_image, write_image
from solidmark.marks.pattern import Pattern
from solidmark.marks.planned import Plan, Planned, tar_of
from solidmark.marks.shards import members
from solidmark.marks.surveying import Kept
from solidmark.marks.tables import metadata
from solidmark.randomness import LEVELS
from solidmark.runs import (
    Answer,
    Job,
    Ledger,
    Processes,
    Room,
    Work,
    hand_all_out,
    write_answered,
)
from solidmark.types import Image, MarkedImage

WRITTEN = "written"
"""What the names of the rows of this pass begin with."""


@dataclass(frozen=True, slots=True)
class Piece:
    """An image that is to be painted.

    Arguments:
        number: Of the image in the data set.
        row: What is to be done.
        content: The hash of its pixels when it was looked at.
        told: What the trainer is told of it, where that stands beside the picture.
    """

    number: int
    row: Planned
    content: str
    told: Mapping[str, Any] | None


@dataclass(frozen=True)
class Painted:
    """All that a marking paints.

    Arguments:
        plan: What is to be done with each image.
        images: What was seen of each.
        numbers: The number of each in the data set, in the order of the plan.
        out: The marked folder.
        pattern: What is painted.
        classes: The name of each class.
    """

    plan: Plan
    images: Kept
    numbers: np.ndarray[Any, np.dtype[np.int64]]
    out: Path
    pattern: Pattern
    classes: Sequence[str | None]

    def piece(self, place: int) -> Piece:
        """An image by its place in the plan."""
        row, seen = self.plan[place], self.images[self.plan.names[place]]
        told = None if self.plan.shards is None else metadata(row, seen, self.classes)
        return Piece(int(self.numbers[place]), row, seen["content"], told)

    def parts(self, size: int) -> list["_Part"]:
        """What is committed together.

        Arguments:
            size: How many files, where each image has one.
        """
        if self.plan.shards is None:
            every = [np.arange(len(self.plan))]
        else:  # A tar is written whole.
            every = [np.flatnonzero(self.plan.held == held) for held in (True, False)]
            size = self.plan.shards
        return [
            _Part(self, some[start : start + size])
            for some in every
            for start in range(0, len(some), size)
        ]

    def shows(self, place: int, content: str | None) -> bool:
        """Whether the file of an image is there and holds what was written, if anything was."""
        if content is None:
            return False
        row, seen = self.plan[place], self.images[self.plan.names[place]]
        try:
            return content_hash(read_image(self.out / row.file_name, seen["size"][0])) == content
        except BrokenImage:
            return False


@dataclass(frozen=True)
class _Part(Sequence[Piece]):
    """The pieces of a batch, made when it is their turn; elsewhere they are a tuple."""

    painted: Painted
    places: np.ndarray[Any, np.dtype[np.int64]]

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Piece]:
        return (self.painted.piece(int(place)) for place in self.places)

    @overload
    def __getitem__(self, number: int) -> Piece: ...
    @overload
    def __getitem__(self, number: slice) -> "_Part": ...
    def __getitem__(self, number: int | slice) -> "Piece | _Part":
        if isinstance(number, slice):
            return _Part(self.painted, self.places[number])
        return self.painted.piece(int(self.places[number]))

    def __reduce__(self) -> tuple[Any, ...]:
        return tuple, (list(self),)


def paint(
    painted: Painted, data: Dataset, ledger: Ledger, batch_size: int, source: Source | None
) -> Mapping[str, str]:
    """Writes the marked files and returns the hash of each.

    What was written before a kill is looked at again: a disk may have lost it since.

    Arguments:
        painted: What is painted, and where.
        data: The images.
        ledger: Keeps the hashes.
        batch_size: How many files are committed together.
        source: How another process opens the data; None where only this one can.
    """
    out, left = painted.out, _left(painted, ledger, batch_size)

    def keep(answer: Answer) -> None:
        for name, content in answer.files.items():
            write_answered(out, name, content)
        ledger.commit({name: row for name, row in answer.rows.items() if name.startswith(WRITTEN)})

    work = partial(_paint, out, out, data, painted.pattern)
    away = None if source is None else _Painting(source, out, painted.pattern)
    job = Job(work, Room(batch_size, "cpu"), away, threads=1)
    hand_all_out("marking", left, len(painted.plan), job, keep)
    Processes.here().wait()
    return Kept(ledger.rows(), WRITTEN, painted.plan.names)


def _left(painted: Painted, ledger: Ledger, size: int) -> dict[int, Sequence[Piece]]:
    """The parts that are not written yet, of files those of the part that are not."""
    before, processes = ledger.rows(), Processes.here()
    parts = painted.parts(size)
    if not before.any_of(WRITTEN):
        return dict(enumerate(parts))
    left: dict[int, Sequence[Piece]] = {}
    for number, part in enumerate(parts):
        if number % processes.count != processes.rank:
            left[number] = part  # Whoever writes it looks.
            continue
        gone = [
            not painted.shows(int(place), before.get(f"{WRITTEN} {painted.plan.names[int(place)]}"))
            for place in part.places
        ]
        if any(gone):
            whole = painted.plan.shards is not None
            left[number] = part if whole else _Part(painted, part.places[np.array(gone)])
    return left


@dataclass(frozen=True)
class _Painting:
    """How another process paints.

    Arguments:
        out: The marked folder, for messages.
    """

    source: Source
    out: Path
    pattern: Pattern

    def open(self, folder: Path, room: Room) -> Work[Piece]:
        return partial(_paint, folder, self.out, self.source.data(), self.pattern)


def _paint(
    folder: Path, out: Path, data: Dataset, pattern: Pattern, pieces: Sequence[Piece]
) -> dict[str, str]:
    """Writes some files, or a tar; gives the hash of each image."""
    contents: dict[str, str] = {}

    def marked(piece: Piece) -> MarkedImage:
        row, sample = piece.row, data[piece.number]
        if sample.content != piece.content:
            raise RunConflict(
                f'"{row.id}" has changed since this marking began. Remove "{out}" and mark again.'
            )
        image = mark_image(sample.image, pattern, row.levels)
        contents[f"{WRITTEN} {row.id}"] = content_hash(image)
        return image

    tar = tar_of(pieces[0].row.file_name)
    if tar is not None:
        every = ((piece.row, piece.told or {}, partial(marked, piece)) for piece in pieces)
        write_tar(folder / tar, members(every))
    else:
        for piece in pieces:
            write_image(folder / piece.row.file_name, marked(piece))
    return contents


def mark_image(image: Image, pattern: Pattern, levels: Sequence[int]) -> MarkedImage:
    """Marks one image; without a key it is resized to the size of the marked ones instead."""
    if levels:
        keys = torch.tensor([list(levels)]) / (LEVELS - 1)
        return pattern.apply(image[None], keys)[0]
    size = pattern.marked_size(*image.shape[-2:])
    if size == tuple(image.shape[-2:]):
        return image
    return functional.interpolate(image[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)
