"""From a data set of any size to a matrix on disk, and what is known of each image.

The images are decoded once, in shards of a fixed partition: a shard is written whole, so a kill
costs at most the one in flight, and whatever the engine has shares them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from solidmark.data import Dataset, Source
from solidmark.errors import BadInput, BrokenImage
from solidmark.neighbours import Matrix, is_intact, rows_per_shard, tile_order, write_array
from solidmark.runs import Room, Work, read_table, table_bytes, typed, write_bytes, write_through
from solidmark.scores import content
from solidmark.types import Image

AGAIN = 'Remove it, then run the same "solidmark nearest" again.'
"""What to do about a damaged table."""

FACTS = pa.schema(
    [
        *typed(pa.string(), "id", "content", "caption"),
        ("contrast", pa.float64()),
        *typed(pa.string(), "status", "note"),
    ]
)
"""What is known of each image. `status` is `ok`, `size` (not that of the others) or `broken`."""

BATCH = 32
"""Images that are embedded at a time."""

LEAST, PARTS = 1024, 256
"""A shard has so many images or more, where there are not so many shards: a cluster shares them."""


@dataclass(frozen=True)
class Rows:
    """A matrix with a row for some of the images.

    Arguments:
        matrix: The rows.
        number: For each row the number of its image among the facts, rising.
    """

    matrix: Matrix
    number: NDArray[np.int64]


@dataclass(frozen=True)
class Gathered:
    """A data set that has been looked at.

    Arguments:
        name: What it is called in progress and messages.
        data: The images.
        facts: A row an image, in the order of the data set; see `FACTS`.
        folder: Where the shards lie.
        size: The shape (C, H, W) that its images share; None when nobody asked for pixels.
        tiles: The grid in whose order the pixels are written.
        source: How another process opens the data; None where only this one can.
    """

    name: str
    data: Dataset
    facts: pa.Table
    folder: Path
    size: tuple[int, int, int] | None
    tiles: int = 1
    source: Source | None = None

    def column(self, name: str) -> list[Any]:
        values: list[Any] = self.facts[name].to_pylist()
        return values

    def pixels(self, tiles: int = 1) -> Rows:
        """The bytes of the images that share the size, tile after tile.

        Raises:
            BadInput: When there are none.
        """
        paths = tuple(sorted(self.folder.glob("*.npy")))
        number = np.flatnonzero([status == "ok" for status in self.column("status")])
        if not len(number) or not paths:
            raise BadInput(
                f"None of the {len(self.facts)} {self.name} images can be compared by pixels: "
                f"{self._reasons()}. Give --resolution, or mend them."
            )
        return Rows(Matrix(paths, tiles**2), number)

    def _reasons(self) -> str:
        notes = [note for note in self.column("note") if note]
        return notes[0].rstrip(".") if notes else "there are none"


def contrast(image: Image) -> float:
    """The standard deviation of the pixels round the mean of their channel, in [0, 0.5]."""
    return content.contrast(image.permute(1, 2, 0).numpy())


def gather(
    name: str,
    data: Dataset,
    folder: Path,
    *,
    tiles: int | None = 1,
    size: tuple[int, int, int] | None = None,
    source: Source | None = None,
) -> Gathered:
    """Looks at all images of a data set, and writes their pixels where they are needed.

    Arguments:
        name: What it is called in progress and messages.
        data: The images.
        folder: Where to write; the same call goes on after a kill.
        tiles: The grid in whose order the pixels are written; None = no pixels.
        size: The shape (C, H, W) that the images must have; that of the first one when not given.
        source: How another process opens the data; without it, this one reads them.

    Raises:
        BadInput: When no image can be read, or the grid does not fit.
    """
    size = size or _first_size(name, data)
    at_once = shard_size(len(data), rows_per_shard(int(np.prod(size))))
    starts = range(0, len(data), at_once)
    parts = {
        f"{number:06d}.parquet": range(start, min(start + at_once, len(data)))
        for number, start in enumerate(starts)
    }
    write_through(
        folder,
        f"reading the {name} images",
        parts,
        partial(_look, folder, data, at_once, tiles, size),
        Room(BATCH, "cpu"),
        None if source is None else _Looking(source, at_once, tiles, size),
        threads=1,
        whole=lambda part: is_intact((folder / part).with_suffix(".npy")),
    )
    facts = pa.concat_tables([read_table(folder / part, FACTS, AGAIN) for part in parts])
    if len(facts) != len(data):
        raise BadInput(
            f'"{folder}" holds {len(facts):,} images, and there are {len(data):,}: an earlier '
            "version began it. Remove it, and run the same command again."
        )
    if all(status == "broken" for status in facts["status"].to_pylist()):
        raise BadInput(
            f"None of the {len(facts)} {name} images can be read, the first because: "
            f"{facts['note'][0].as_py()} Name other data, or mend them."
        )
    shape = None if tiles is None else size
    return Gathered(name, data, facts, folder, shape, tiles or 1, source)


@dataclass(frozen=True)
class _Looking:
    """How another process looks at images.

    Arguments:
        at_once: How many a shard holds.
    """

    source: Source
    at_once: int
    tiles: int | None
    size: tuple[int, int, int]

    def open(self, folder: Path, room: Room) -> Work[int]:
        return partial(_look, folder, self.source.data(), self.at_once, self.tiles, self.size)


def _look(
    folder: Path,
    data: Dataset,
    at_once: int,
    tiles: int | None,
    size: tuple[int, int, int],
    numbers: Sequence[int],
) -> Mapping[str, Any]:
    path = folder / f"{numbers[0] // at_once:06d}.parquet"
    _write_shard(path, data, numbers, tiles, size)
    return {}


def shard_size(count: int, most: int) -> int:
    """How many images a shard holds: whole batches, where so many fit.

    Arguments:
        count: How many there are in all.
        most: How many fit into one.
    """
    share = -(-count // PARTS)
    return min(most, max(LEAST, -(-share // BATCH) * BATCH))


def _first_size(name: str, data: Dataset) -> tuple[int, int, int]:
    reason = "there are none."
    for number in range(len(data)):
        try:
            channels, height, width = data[number].image.shape
            return channels, height, width
        except BrokenImage as error:
            reason = str(error)
    raise BadInput(
        f"None of the {len(data)} {name} images can be read, the last because: {reason[:200]} "
        "Name other data, or mend them."
    )


def _write_shard(
    path: Path,
    data: Dataset,
    numbers: Sequence[int],
    tiles: int | None,
    size: tuple[int, int, int],
) -> None:
    """Decodes a shard: its pixels are on disk before its facts are."""
    rows: list[NDArray[np.uint8]] = []
    facts: list[dict[str, Any]] = []
    for number in numbers:
        try:
            sample = data[number]
        except BrokenImage as error:
            facts.append({"id": data.ids[number], "status": "broken", "note": str(error)})
            continue
        fact = {
            "id": sample.id,
            "content": sample.content,
            "caption": sample.caption,
            "contrast": contrast(sample.image),
            "status": "ok",
            "note": None,
        }
        if tiles is not None and tuple(sample.image.shape) != size:
            here, there = (" x ".join(map(str, s)) for s in (tuple(sample.image.shape), size))
            fact |= {"status": "size", "note": f"It is {here}, the others are {there}."}
        elif tiles is not None:
            rows.append(tile_order([sample.image], tiles)[0])
        facts.append(fact)
    if rows:
        write_array(path.with_suffix(".npy"), np.stack(rows))
    columns = {name: [fact.get(name) for fact in facts] for name in FACTS.names}
    write_bytes(path, table_bytes(pa.table(columns, schema=FACTS)))
