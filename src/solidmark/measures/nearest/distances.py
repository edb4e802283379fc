"""The ways in which two images are compared, whatever they are compared by."""

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from solidmark.cards import DISTANCES
from solidmark.cards.embedders import UNIT
from solidmark.embed import EMBEDDERS, Cache, Embedder, open_embedder
from solidmark.errors import BadInput, UnknownName
from solidmark.late import torch
from solidmark.measures.nearest.embedding import Embedding, embedded
from solidmark.measures.nearest.gathering import BATCH, Gathered, Rows
from solidmark.neighbours import PIXEL_DISTANCES, Matrix, Neighbours, PixelDistance, tile_order
from solidmark.types import Image

Numbers = NDArray[np.float64]

EQUAL = 1e-9
"""Vectors that are no further apart are of equal pictures: what an embedder answers differs by
1e-5 from batch to batch, half the square of which is 5e-11. Without it one copy of a picture would
be closer than another, and ties, which count against a copy, would be none."""


@dataclass(frozen=True)
class Reported:
    """What is told of the nearest neighbour of each query.

    Arguments:
        distance: Low = close, always.
        similarity: 1 - distance, for embedders.
        raw: The distance before it was rescaled, for those that are.
    """

    distance: Numbers
    similarity: Numbers | None = None
    raw: Numbers | None = None


class Distance(Protocol):
    """A way to compare images."""

    @property
    def name(self) -> str: ...

    @property
    def direction(self) -> Literal["low", "high"]:
        """Which side is close, on the scale that is reported."""
        ...

    @property
    def space(self) -> str:
        """Distances of one space have the same neighbours, and are searched for together."""
        ...

    @property
    def wanted(self) -> int:
        """How many neighbours it needs."""
        ...

    @property
    def parts(self) -> int:
        """How many parts a row falls into."""
        ...

    def rows(self, gathered: Gathered, folder: Path, cache: Cache | None) -> Rows:
        """The images as rows."""
        ...

    def matrix(self, images: Sequence[Image], tiles: int) -> Matrix:
        """A few images as rows.

        Arguments:
            images: The images; for pixels, all of one size.
            tiles: The grid in whose order their pixels are written.
        """
        ...

    def report(self, found: Neighbours) -> Reported:
        """The distance to the nearest, of each query."""
        ...

    def each(self, found: Neighbours) -> Numbers:
        """The distance to every neighbour that was found, not rescaled, with shape (Q, k)."""
        ...

    def card(self) -> dict[str, Any]:
        """What everybody must know before reading a number of it."""
        ...


@dataclass(frozen=True)
class ByPixels:
    """Plain, modified or patched l2.

    Arguments:
        how: The distance.
    """

    how: PixelDistance

    direction: Literal["low", "high"] = "low"

    @property
    def name(self) -> str:
        return self.how.name

    @property
    def space(self) -> str:
        return f"pixels-{self.how.tiles}"

    @property
    def wanted(self) -> int:
        return max(1, self.how.n)

    @property
    def parts(self) -> int:
        return self.how.parts

    def rows(self, gathered: Gathered, folder: Path, cache: Cache | None) -> Rows:
        return gathered.pixels(self.how.tiles)

    def matrix(self, images: Sequence[Image], tiles: int) -> Matrix:
        return Matrix((np.concatenate([tile_order([i], tiles) for i in images]),), self.parts)

    def report(self, found: Neighbours) -> Reported:
        distance, raw = self.how.report(found)
        return Reported(distance, raw=raw)

    def each(self, found: Neighbours) -> Numbers:
        return found.distance

    def card(self) -> dict[str, Any]:
        rescaled = {"n": self.how.n, "alpha": self.how.alpha} if self.how.n else {}
        tiles = {"tiles": self.how.tiles} if self.how.tiles > 1 else {}
        said = DISTANCES[self.name]
        about = {"name": self.name, "unit": said.unit, "direction": said.direction}
        about["paper"] = said.paper
        return {**about, **rescaled, **tiles}


@dataclass(frozen=True)
class ByEmbedder:
    """The similarity that an embedder sees: the dot product of unit vectors.

    Arguments:
        embedder: Who embeds.
        device: Where it runs.
        opened: How another process opens it; None where only this one can.
    """

    embedder: Embedder
    device: str = "cpu"
    opened: Callable[[], Embedder] | None = field(default=None, repr=False, compare=False)

    direction: Literal["low", "high"] = "high"
    wanted: int = 1
    parts: int = 1

    @property
    def name(self) -> str:
        return self.embedder.card.name

    @property
    def space(self) -> str:
        return self.name

    def rows(self, gathered: Gathered, folder: Path, cache: Cache | None) -> Rows:
        by = Embedding(self.embedder, self.device, self.opened, cache)
        return embedded(gathered, by, folder)

    def matrix(self, images: Sequence[Image], tiles: int) -> Matrix:
        parts = [self.embedder.embed(images[n : n + BATCH]) for n in range(0, len(images), BATCH)]
        return Matrix((torch.cat(parts).numpy(),))

    def report(self, found: Neighbours) -> Reported:
        distance = self.each(found)[:, 0]
        return Reported(distance, similarity=1 - distance)

    def each(self, found: Neighbours) -> Numbers:
        # |a - b|^2 = 2 - 2 a.b for unit vectors; a search gives the mean over the dimensions.
        distance = found.squared * (self.embedder.card.dimensions / 2)
        return np.where(distance < EQUAL, 0.0, distance)

    @classmethod
    def named(cls, word: str, device: str) -> "ByEmbedder":
        """The embedder that a command line names, on a device."""
        opened = partial(open_embedder, word, device=device)
        return cls(opened(), device, opened)

    def card(self) -> dict[str, Any]:
        unit = {"unit": UNIT, "direction": self.direction}
        return {**asdict(self.embedder.card), **unit}


def open_distances(
    words: tuple[str, ...], *, n: int = 50, alpha: float = 0.5, tiles: int = 4, device: str = "cpu"
) -> tuple[Distance, ...]:
    """The distances that a command line names.

    Arguments:
        words: `l2`, `modified-l2`, `patched-l2`, or what `embed.open_embedder` takes.
        n: How many neighbours modified and patched l2 are rescaled by.
        alpha: What their mean distance is multiplied with.
        tiles: g of the g x g tiles of patched l2.
        device: Where embedders run.

    Raises:
        BadInput: When there are none, or one comes twice.
        UnknownName: When there is no such distance.
    """
    given = {"n": n, "alpha": alpha, "tiles": tiles}
    pixels = {
        name: make(**{option.name: given[option.name] for option in DISTANCES[name].options})
        for name, make in PIXEL_DISTANCES.items()
    }
    for word in words:
        name = re.split("[:@]", word)[0]
        if word not in pixels and name not in EMBEDDERS:
            raise UnknownName("distance", name, [*pixels, *EMBEDDERS])
    found: list[Distance] = [
        ByPixels(pixels[word]) if word in pixels else ByEmbedder.named(word, device)
        for word in words
    ]
    names = [distance.name for distance in found]
    if not names or len(set(names)) < len(names):
        raise BadInput(f"Each distance can be asked once; found: {', '.join(names) or 'none'}.")
    return tuple(found)
