"""The vectors of the images that were gathered, in shards beside those of their pixels."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from solidmark.data import Dataset, Source
from solidmark.embed import Cache, Embedder, embed_samples
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.nearest.gathering import BATCH, Gathered, Rows, shard_size
from solidmark.neighbours import Matrix, is_intact, rows_per_shard, write_array
from solidmark.runs import Room, Work, require_same, works_here, write_through

NUMBERS = ".numbers.npy"
"""What the files end with that say of which images the vectors are."""


@dataclass(frozen=True)
class Embedding:
    """Who embeds, and where.

    Arguments:
        embedder: Who embeds.
        device: Where it runs.
        opened: How another process opens it; None where only this one can.
        cache: Where vectors are kept from run to run.
    """

    embedder: Embedder
    device: str = "cpu"
    opened: Callable[[], Embedder] | None = None
    cache: Cache | None = None

    def of(self, data: Dataset, contents: Sequence[str]) -> Callable[[Sequence[int]], Tensor]:
        """Gives vectors by the numbers of images; only those without one are decoded again.

        Arguments:
            contents: The hash of the pixels of each image.
        """

        def vectors(numbers: Sequence[int]) -> Tensor:
            known = self._known([contents[n] for n in numbers])
            missing = [n for n in numbers if contents[n] not in known]
            some = (data[n] for n in missing)
            made = embed_samples(self.embedder, some, self.cache, batch_size=BATCH)
            known |= {contents[n]: vector for n, vector in zip(missing, made, strict=True)}
            return torch.stack([known[contents[n]] for n in numbers])

        return vectors

    def knows(self, contents: Sequence[str]) -> bool:
        """Whether the cache has all of these."""
        return set(contents) <= self._known(contents).keys()

    def _known(self, contents: Sequence[str]) -> dict[str, Tensor]:
        return {} if self.cache is None else self.cache.read(self.embedder.card, contents)


def embedded(gathered: Gathered, by: Embedding, folder: Path) -> Rows:
    """The vectors of all images that can be read, computed only where the cache has none.

    Blank images, of which an embedder sees nothing, have no row.
    """
    card, contents = by.embedder.card, gathered.column("content")
    readable = np.flatnonzero([state != "broken" for state in gathered.column("status")])
    at_once = shard_size(len(readable), rows_per_shard(card.dimensions, 4))
    parts = {
        f"{number:06d}{NUMBERS}": range(start, min(start + at_once, len(readable)))
        for number, start in enumerate(range(0, len(readable), at_once))
    }
    embed = partial(_embed, folder, readable, at_once, by.of(gathered.data, contents))
    away = None
    if gathered.source is not None and by.opened is not None:
        away = _Away(gathered.source, by.opened, card.key, readable, at_once)

    def keep(part: str) -> None:
        if by.cache is not None:
            numbers = np.load(folder / part, allow_pickle=False)
            vectors = np.load(folder / part.replace(NUMBERS, ".npy"), allow_pickle=False)
            by.cache.write(
                card,
                {contents[n]: torch.from_numpy(v) for n, v in zip(numbers, vectors, strict=True)},
            )

    def whole(part: str) -> bool:
        return all(is_intact(folder / part.replace(NUMBERS, end)) for end in (".npy", NUMBERS))

    if away is not None and not works_here():
        for part, places in parts.items():  # Nothing that is known is computed anew.
            done = (folder / part).is_file() and whole(part)
            if not done and by.knows([contents[readable[p]] for p in places]):
                embed(places)
    title, room = f"{card.name}: {gathered.name} images", Room(BATCH, by.device)
    write_through(folder, title, parts, embed, room, away, came=keep, whole=whole)
    paths = [folder / part.replace(NUMBERS, ".npy") for part in parts]
    numbers = np.concatenate([np.load(folder / part, allow_pickle=False) for part in parts])
    if not len(numbers):
        raise BadInput(
            f'"{card.name}" sees nothing in any of the {gathered.name} images: all are '
            "blank. Use other distances, and a new folder."
        )
    return Rows(Matrix(tuple(paths)), numbers)


@dataclass(frozen=True)
class _Away:
    """How another process embeds: without a cache, whose file is of one machine.

    Arguments:
        key: Of the card of the embedder.
        readable: The numbers of the images that can be read.
        at_once: How many of them a shard holds.
    """

    source: Source
    opened: Callable[[], Embedder]
    key: str
    readable: NDArray[np.int64]
    at_once: int

    def open(self, folder: Path, room: Room) -> Work[int]:
        embedder = self.opened()
        require_same({"the embedder": self.key}, {"the embedder": embedder.card.key})
        data = self.source.data()

        def vectors(numbers: Sequence[int]) -> Tensor:
            return embed_samples(embedder, (data[n] for n in numbers), batch_size=BATCH)

        return partial(_embed, folder, self.readable, self.at_once, vectors)


def _embed(
    folder: Path,
    readable: NDArray[np.int64],
    at_once: int,
    vectors: Callable[[Sequence[int]], Tensor],
    places: Sequence[int],
) -> Mapping[str, Any]:
    """Writes a shard; the file with the numbers of its images comes last."""
    numbers = [int(readable[place]) for place in places]
    made = [vectors(numbers[n : n + BATCH]).numpy() for n in range(0, len(numbers), BATCH)]
    every = np.concatenate(made)
    seen = np.any(every != 0, axis=1)
    name = f"{places[0] // at_once:06d}"
    write_array(folder / f"{name}.npy", every[seen])
    write_array(folder / f"{name}{NUMBERS}", np.array(numbers)[seen])
    return {}
