"""What is to be done with each image of a marking: columns, and a row where somebody looks."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import overload

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from solidmark.data import names_by_number
from solidmark.marks.facts import Coded, Texts
from solidmark.randomness import LEVELS, digest

FOLDERS = {"trained": "train", "held_out": "held_out"}
"""Where the files of each split lie."""

WORDS = "metadata.jsonl"
"""Captions and classes of a split, beside its images; beside its folder where they are in tars."""


def words_file(split: str, *, in_tars: bool) -> str:
    """Where the captions and classes of a split stand, below the marked folder.

    Example:
        >>> words_file("trained", in_tars=False), words_file("trained", in_tars=True)
        ('train/metadata.jsonl', 'train.metadata.jsonl')
    """
    return f"{FOLDERS[split]}{'.' if in_tars else '/'}{WORDS}"


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done with an image. `levels` is its key in 0..255, empty when unmarked."""

    id: str
    file_name: str
    split: str
    marked: bool
    group: str | None
    duplicate_group: str
    key_group: str
    levels: list[int]
    class_index: int | None


@dataclass(frozen=True, eq=False)
class Plan(Sequence[Planned]):
    """All rows of a marking, sorted by id. A million of them are 100 MB or so, with 16 greys.

    Arguments:
        ids: Of the images.
        duplicate_group: The smallest id of those that look the same.
        groups: The user's groups.
        held: Which images are set aside as control.
        marked: Which have a key.
        greys: Their keys in 0..255, with shape (N, M); zeros where there is none.
        labels: The names of the classes.
        classes: The number of each class by its name.
        origin: The number of each image among those that were planned.
        shared: Whether copies share a key.
        shards: How many images each tar holds; None gives every image a file.
    """

    ids: pa.Array = field(repr=False)
    duplicate_group: pa.Array = field(repr=False)
    groups: Coded = field(repr=False)
    held: NDArray[np.bool_] = field(repr=False)
    marked: NDArray[np.bool_] = field(repr=False)
    greys: NDArray[np.uint8] = field(repr=False)
    labels: Coded = field(repr=False)
    classes: Mapping[str, int]
    origin: NDArray[np.int64] = field(repr=False)
    shared: bool = True
    shards: int | None = None

    def __len__(self) -> int:
        return len(self.held)

    def __iter__(self) -> Iterator[Planned]:
        return (self[number] for number in range(len(self)))

    @overload
    def __getitem__(self, number: int) -> Planned: ...
    @overload
    def __getitem__(self, number: slice) -> list[Planned]: ...
    def __getitem__(self, number: int | slice) -> Planned | list[Planned]:
        if isinstance(number, slice):
            return [self[one] for one in range(len(self))[number]]
        number = range(len(self))[number]
        id, group = self.names[number], str(self.duplicate_group[number].as_py())
        label, marked = self.labels[number], bool(self.marked[number])
        return Planned(
            id=id,
            file_name=self._file(number, id),
            split="held_out" if self.held[number] else "trained",
            marked=marked,
            group=self.groups[number],
            duplicate_group=group,
            key_group=group if self.shared else id,
            levels=self.greys[number].tolist() if marked else [],
            class_index=None if label is None else self.classes[label],
        )

    def _file(self, number: int, id: str) -> str:
        folder = FOLDERS["held_out" if self.held[number] else "trained"]
        name = f"{file_stem(id)}.png"
        if self.shards is None:
            return f"{folder}/{name}"
        return f"{folder}/{self.places[number] // self.shards:05d}.tar/{name}"

    @property
    def names(self) -> Texts:
        """The ids."""
        return Texts(self.ids)

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """The number of each image among those of its split, in the order of the ids."""
        found: NDArray[np.int64] = (
            np.where(self.held, np.cumsum(self.held), np.cumsum(~self.held)) - 1
        )
        return found

    @property
    def key_group(self) -> pa.Array:
        return self.duplicate_group if self.shared else self.ids

    @property
    def copies(self) -> int:
        """How many images are copies of others."""
        return len(self) - int(pc.count_distinct(self.duplicate_group).as_py())

    @property
    def class_names(self) -> list[str | None]:
        """As `class_names`."""
        return names_by_number(dict(self.classes))

    def keys(self) -> pa.Array:
        """The keys in [0, 1], a list an image; empty where it has none."""
        counts = np.where(self.marked, self.greys.shape[1], 0)
        ends = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
        values = self.greys[self.marked].reshape(-1) / (LEVELS - 1)
        return pa.ListArray.from_arrays(pa.array(ends), pa.array(values))

    def splits(self) -> pa.Array:
        """The name of the split of each image."""
        names = pa.array(["trained", "held_out"])
        return pa.DictionaryArray.from_arrays(self.held.astype(np.int8), names).cast(pa.string())


def tar_of(file_name: str) -> str | None:
    """The tar that a marked image lies in; None where it is a file of its own.

    Example:
        >>> tar_of("train/00003.tar/cat.png"), tar_of("train/cat.png")
        ('train/00003.tar', None)
    """
    parent = file_name.rpartition("/")[0]
    return parent if parent.endswith(".tar") else None


def file_stem(id: str) -> str:
    """A file name that a person recognises and no hostile id can bend."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", id.rsplit(".", 1)[0])[-40:].strip("-")
    return f"{readable or 'image'}-{digest(0, 'file', id).hex()[:12]}"
