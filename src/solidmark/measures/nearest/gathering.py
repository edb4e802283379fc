"""From a data set of any size to a matrix on disk, and what is known of each image.

The images are decoded once, in shards of a fixed partition: a shard is written whole, so a kill
costs at most the one in flight, and several processes share them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from solidmark.data import Dataset
from solidmark.embed import Cache, Embedder, embed_samples
from solidmark.errors import BadInput, BrokenImage
from solidmark.late import torch
from solidmark.neighbours import Matrix, is_intact, rows_per_shard, tile_order, write_array
from solidmark.runs import Processes, progress, read_table, table_bytes, typed, write_bytes
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
    """

    name: str
    data: Dataset
    facts: pa.Table
    folder: Path
    size: tuple[int, int, int] | None
    tiles: int = 1

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
) -> Gathered:
    """Looks at all images of a data set, and writes their pixels where they are needed.

    Arguments:
        name: What it is called in progress and messages.
        data: The images.
        folder: Where to write; the same call goes on after a kill.
        tiles: The grid in whose order the pixels are written; None = no pixels.
        size: The shape (C, H, W) that the images must have; that of the first one when not given.

    Raises:
        BadInput: When no image can be read, or the grid does not fit.
    """
    size = size or _first_size(name, data)
    at_once = rows_per_shard(int(np.prod(size)))
    starts = range(0, len(data), at_once)
    processes = Processes.here()
    with progress(f"reading the {name} images", len(data)) as advance:
        for number, start in enumerate(starts):
            path = folder / f"{number:06d}.parquet"
            mine = number % processes.count == processes.rank
            if mine and not (path.is_file() and is_intact(path.with_suffix(".npy"))):
                some = range(start, min(start + at_once, len(data)))
                _write_shard(path, data, some, tiles, size)
            advance(min(at_once, len(data) - start))
    processes.wait()
    found = [read_table(folder / f"{n:06d}.parquet", FACTS, AGAIN) for n in range(len(starts))]
    facts = pa.concat_tables(found)
    if all(status == "broken" for status in facts["status"].to_pylist()):
        raise BadInput(
            f"None of the {len(facts)} {name} images can be read, the first because: "
            f"{facts['note'][0].as_py()} Name other data, or mend them."
        )
    return Gathered(name, data, facts, folder, None if tiles is None else size, tiles or 1)


def embedded(gathered: Gathered, embedder: Embedder, folder: Path, cache: Cache | None) -> Rows:
    """The vectors of all images that can be read, computed only where the cache has none.

    Blank images, of which an embedder sees nothing, have no row.
    """
    contents, status = gathered.column("content"), gathered.column("status")
    readable = [number for number, state in enumerate(status) if state != "broken"]
    at_once = rows_per_shard(embedder.card.dimensions, 4)
    starts = range(0, len(readable), at_once)
    processes = Processes.here()
    with progress(f"{embedder.card.name}: {gathered.name} images", len(readable)) as advance:
        for shard, start in enumerate(starts):
            some = readable[start : start + at_once]
            path, rows = folder / f"{shard:06d}.numbers.npy", folder / f"{shard:06d}.npy"
            mine = shard % processes.count == processes.rank
            if mine and not (path.is_file() and is_intact(path) and is_intact(rows)):
                made = [
                    _vectors(gathered.data, some[first : first + BATCH], contents, embedder, cache)
                    for first in range(0, len(some), BATCH)
                ]
                vectors = np.concatenate(made)
                seen = np.any(vectors != 0, axis=1)
                write_array(rows, vectors[seen])
                write_array(path, np.array(some)[seen])
            advance(len(some))
    processes.wait()
    paths = [folder / f"{shard:06d}.npy" for shard in range(len(starts))]
    numbers = np.concatenate(
        [np.load(path.with_suffix(".numbers.npy"), allow_pickle=False) for path in paths]
    )
    if not len(numbers):
        raise BadInput(
            f'"{embedder.card.name}" sees nothing in any of the {gathered.name} images: all are '
            "blank. Use other distances, and a new folder."
        )
    return Rows(Matrix(tuple(paths)), numbers)


def _vectors(
    data: Dataset,
    numbers: Sequence[int],
    contents: Sequence[str],
    embedder: Embedder,
    cache: Cache | None,
) -> NDArray[np.float32]:
    """The vectors of a batch; only images without one are decoded again."""
    known = cache.read(embedder.card, [contents[n] for n in numbers]) if cache else {}
    missing = [n for n in numbers if contents[n] not in known]
    made = embed_samples(embedder, [data[n] for n in missing], cache, batch_size=BATCH)
    known |= {contents[n]: vector for n, vector in zip(missing, made, strict=True)}
    return torch.stack([known[contents[n]] for n in numbers]).numpy()


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
