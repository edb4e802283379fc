"""How close each image of a set comes to its nearest OTHER image.

Images with equal pixels share a row, so that a picture that comes a thousand times does not fill
everybody's list of neighbours; each of its copies is at distance 0 from another.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int
from numpy.typing import NDArray

from solidmark.data import Dataset, Sample, Source, identity_of
from solidmark.measures.copies.looking import Looked
from solidmark.measures.nearest.distances import Distance
from solidmark.measures.nearest.gathering import FACTS, Gathered, Rows
from solidmark.neighbours import Neighbours


@dataclass(frozen=True)
class Chosen:
    """Some images of a data set."""

    data: Dataset
    numbers: Sequence[int]

    @cached_property
    def ids(self) -> list[str]:
        ids = self.data.ids
        return [ids[number] for number in self.numbers]

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitem__(self, index: int) -> Sample:
        return self.data[self.numbers[index]]


def chosen_of(opened: Callable[[], Dataset], numbers: Sequence[int]) -> Chosen:
    """Some images of a data set that is opened for it, as another process does."""
    return Chosen(opened(), numbers)


@dataclass(frozen=True)
class Closest:
    """The nearest other image of each, by one distance.

    Arguments:
        nearest: The number of the nearest other image; -1 where there is none to be compared.
        distance: How far it is, low = close; NaN where there is none.
    """

    by: Distance
    nearest: Int[NDArray[np.int64], " N"]
    distance: Float[NDArray[np.float64], " N"]


@dataclass(frozen=True)
class Uniques:
    """The images with pixels that none before them has.

    Arguments:
        data: The data set that they are of.
        opened: How another process opens that; None where only this one can.
    """

    images: Sequence[Looked]
    data: Dataset
    opened: Callable[[], Dataset] | None = None

    @cached_property
    def first(self) -> NDArray[np.int64]:
        """The numbers of the unique images, rising."""
        found: dict[str, int] = {}
        for number, image in enumerate(self.images):
            found.setdefault(image.content, number)
        return np.array(list(found.values()), dtype=np.int64)

    @cached_property
    def place(self) -> NDArray[np.int64]:
        """For each image, which of the unique ones has its pixels."""
        number = {self.images[first].content: place for place, first in enumerate(self.first)}
        return np.array([number[image.content] for image in self.images], dtype=np.int64)

    def __len__(self) -> int:
        return len(self.first)

    @property
    def chosen(self) -> Chosen:
        """The unique images as a data set."""
        return Chosen(self.data, [self.images[number].number for number in self.first])

    @property
    def source(self) -> Source | None:
        """How another process opens the unique images."""
        if self.opened is None:
            return None
        some = self.chosen
        return Source(partial(chosen_of, self.opened, some.numbers), identity_of(some))

    def gathered(self, folder: Path) -> Gathered:
        """The unique images as if they had been gathered without their pixels."""
        some = [self.images[number] for number in self.first]
        facts = {
            "id": [image.id for image in some],
            "content": [image.content for image in some],
            "caption": [image.caption for image in some],
            "contrast": [image.contrast for image in some],
            "status": ["ok"] * len(some),
            "note": [None] * len(some),
        }
        table = pa.table(facts, schema=FACTS)
        return Gathered("training", self.chosen, table, folder, None, source=self.source)

    def row_of(self, rows: Rows) -> NDArray[np.int64]:
        """The row of each image; -1 for those without, such as blank ones."""
        row = np.full(len(self), -1)
        row[rows.number] = np.arange(len(rows.number))
        found: NDArray[np.int64] = row[self.place]
        return found

    def closest(self, by: Distance, rows: Rows, found: Neighbours) -> Closest:
        """What a search among the unique images says of all images."""
        nearest = np.full(len(self), -1)
        distance = np.full(len(self), np.nan)
        nearest[rows.number] = self.first[rows.number[found.index[:, 0]]]
        distance[rows.number] = by.report(found).distance
        return self._with_copies(by, nearest[self.place], distance[self.place])

    def nothing(self, by: Distance) -> Closest:
        """What is known where no two different images can be compared."""
        count = len(self.images)
        return self._with_copies(by, np.full(count, -1), np.full(count, np.nan))

    def _with_copies(
        self, by: Distance, nearest: NDArray[np.int64], distance: NDArray[np.float64]
    ) -> Closest:
        other = self._other_copy()
        copied = other >= 0
        return Closest(by, np.where(copied, other, nearest), np.where(copied, 0.0, distance))

    def _other_copy(self) -> NDArray[np.int64]:
        """For each image the first other one with equal pixels; -1 where there is none."""
        first = self.first[self.place]
        second = np.full(len(self), -1)
        for number in range(len(self.images)):
            place = self.place[number]
            if first[number] != number and second[place] < 0:
                second[place] = number
        own = first == np.arange(len(self.images))
        return np.where(own, second[self.place], first)
