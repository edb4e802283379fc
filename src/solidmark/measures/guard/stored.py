"""An index that is open: the rows of the training images, and what images are compared by."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from solidmark.cards.asked import Way
from solidmark.data import Preparation, Sample
from solidmark.errors import BadInput
from solidmark.marks import Pattern, pattern_from_json
from solidmark.measures.guard.calibration import Null
from solidmark.measures.guard.index import LISTS, TRAINING, VECTORS, open_searched
from solidmark.measures.nearest.distances import ByPixels, Distance, Reported
from solidmark.measures.nearest.embedding import NUMBERS
from solidmark.measures.nearest.gathering import FACTS, Rows
from solidmark.measures.nearest.sides import cut_out
from solidmark.measures.nearest.tables import NULL
from solidmark.neighbours import Finder, Matrix, Search, open_lists, search
from solidmark.neighbours.plan import plan_search
from solidmark.neighbours.search import SPARE
from solidmark.runs import check_device, read_json, read_manifest, read_table, require_whole
from solidmark.types import Image


@dataclass(frozen=True)
class Space:
    """The rows of the training images, for distances that have the same neighbours.

    Arguments:
        find: What searches among them.
    """

    distances: tuple[Distance, ...]
    rows: Rows
    find: Finder = search

    @property
    def wanted(self) -> int:
        """How many neighbours the distances need, or how many there are."""
        most = max(distance.wanted for distance in self.distances)
        return min(most, len(self.rows.number))


@dataclass(frozen=True)
class Found:
    """What one distance finds.

    Arguments:
        number: The nearest of each image among the facts of the training images.
        seen: In which images the distance sees anything; the others are blank.
    """

    number: Int[NDArray[np.int64], " N"]
    reported: Reported
    seen: Bool[NDArray[np.bool_], " N"]

    @property
    def distance(self) -> Float[NDArray[np.float64], " N"]:
        """The distances, NaN where it sees nothing."""
        return np.where(self.seen, self.reported.distance, np.nan)


@dataclass(frozen=True)
class Index:
    """A folder of `build_index`.

    Arguments:
        facts: The columns `id`, `content` and `status` of the training images.
        null: How close held-out images come.
        memory: The most bytes that a search holds.
        device: Where embedders and matrix products run.
        allowed: The most bytes that the index and a search may hold together.
    """

    folder: Path
    manifest: Mapping[str, Any]
    facts: pa.Table
    null: Null
    spaces: tuple[Space, ...]
    memory: int
    device: str
    allowed: int

    @property
    def measures(self) -> list[str]:
        """The distances that the index was built for."""
        return list(self.manifest["asked"])

    @property
    def preparation(self) -> Preparation:
        """How a picture becomes an image like those of the index."""
        config = self.manifest["config"]
        return Preparation(
            config["resolution"], self.manifest["mode"], config.get("window", "full")
        )

    def is_similarity(self, measure: str) -> bool:
        """Whether a distance is reported as a similarity."""
        return bool(self.manifest["measures"][measure]["direction"] == "high")

    @cached_property
    def _frame(self) -> tuple[Pattern, list[tuple[int, int]]] | None:
        frame = self.manifest["frame"]
        if frame is None:
            return None
        height, width = frame["size"]
        return pattern_from_json(frame["pattern"]), [(height, width)]

    def fitted(self, sample: Sample) -> Sample:
        """A prepared image as it is compared: without its frame.

        Raises:
            BadInput: When its size is not that of the training images, and pixels are compared.
        """
        sample = sample if self._frame is None else cut_out(sample, *self._frame)
        here, there = tuple(sample.image.shape), self.manifest["size"]
        if there is not None and here != tuple(there):
            one, two = (" x ".join(map(str, shape)) for shape in (here, there))
            raise BadInput(
                f'"{sample.id}" is {one}, the training images are {two}. Resize it as those were, '
                "or build the index with --resolution."
            )
        return sample

    @cached_property
    def _contents(self) -> tuple[NDArray[np.bytes_], NDArray[np.int64]]:
        """The content hashes in order, and the number of each; that of a broken image is empty."""
        hashes = np.array([content or "" for content in self.facts["content"].to_pylist()], "S32")
        order = np.argsort(hashes, kind="stable")
        return hashes[order], order

    def copied(self, sample: Sample) -> str | None:
        """The training image that an image is, bit by bit."""
        hashes, order = self._contents
        wanted = np.bytes_(sample.content)
        place = int(np.searchsorted(hashes, wanted))
        if place == len(hashes) or hashes[place] != wanted:
            return None
        return self.id(int(order[place]))

    def id(self, number: int) -> str:
        """The id of a training image."""
        return str(self.facts["id"][number].as_py())

    def picture(self, id: str) -> Path | None:
        """The small picture of a training image, where the index was built with pictures."""
        path = self._pictures.get(id)
        return None if path is None else self.folder / path

    @cached_property
    def _pictures(self) -> dict[str, str]:
        path = self.folder / "pictures" / "index.json"
        return dict(read_json(path)) if path.is_file() else {}

    def nearest(self, images: Sequence[Image]) -> dict[str, Found]:
        """The nearest training image of each, by every distance.

        Arguments:
            images: Of `fitted`, at least one.
        """
        found: dict[str, Found] = {}
        for space in self.spaces:
            first, base = space.distances[0], space.rows
            queries = first.matrix(images, self.manifest["grid"])
            seen = np.ones(len(images), dtype=bool)
            if not isinstance(first, ByPixels):
                seen = np.any(queries.stored(np.arange(len(images))) != 0, axis=1)
            near = space.find(queries, base.matrix, Search(space.wanted, self.memory, self.device))
            number = base.number[near.index[:, 0]]
            for distance in space.distances:
                found[distance.name] = Found(number, distance.report(near), seen)
        return found


def load_index(
    folder: Path, *, memory: int = 2**30, device: str = "cpu", way: Way = "auto"
) -> Index:
    """Opens a folder of `build_index`.

    Arguments:
        memory: The most bytes to hold, beside Python, its libraries, embedders and the ids of the
            images. An index of at most half of it stays in the memory, and a larger one is read
            from the disk for every question.
        way: How vectors are searched for: `auto`, in lists where the index has them.

    Raises:
        NotFound: When there is no index.
        RunConflict: When it is not finished, is not whole, or the folder is of another command.
        BadInput: When its files are damaged, or an embedder is not the one it was built with.
    """
    check_device(device)
    manifest = read_manifest(folder, "index")
    require_whole(folder, manifest)
    distances = open_searched(manifest["config"], device)
    for distance in distances:
        built, here = manifest["measures"].get(distance.name), distance.card()
        if json.loads(json.dumps(here)) != built:
            raise BadInput(
                f'The index "{folder}" was built with another "{distance.name}" (its model, weights'
                " or options differ). Build it again, or use that one."
            )
    cure = "Build the index again."
    facts = read_table(folder / "images.parquet", FACTS, cure, once=("id",))
    facts = facts.select(["id", "content", "status"])
    null = Null.of(read_table(folder / "null.parquet", NULL, cure))
    ordered = sorted(distances, key=lambda distance: distance.space)
    grouped = [tuple(group) for _, group in groupby(ordered, key=lambda d: d.space)]
    spaces = tuple(_space(folder, group, facts, way) for group in grouped)
    if way == "approximate" and all(space.find is search for space in spaces):
        raise BadInput(
            f'The index "{folder}" is searched exactly: it has no lists. Build it again with '
            "--search approximate, or leave that out."
        )
    # Of vectors in lists few are read for a question.
    shards = {shard for s in spaces if s.find is search for shard in s.rows.matrix.shards}
    size, allowed = sum(path.stat().st_size for path in shards if isinstance(path, Path)), memory
    if size <= memory // 2 and _is_enough(spaces, memory - size):
        memory, spaces = memory - size, _held(spaces)
    return Index(folder, manifest, facts, null, spaces, memory, device, allowed)


def _space(folder: Path, same: tuple[Distance, ...], facts: pa.Table, way: Way) -> Space:
    """Opens the rows of a space, and the lists in which they are searched."""
    rows = _rows(folder, same[0], facts)
    place = folder / LISTS / same[0].space
    if way == "exact" or not place.is_dir():
        return Space(same, rows)
    # Their hashes stand among those of the files of the index, which were checked.
    return Space(same, rows, open_lists(place, rows.matrix, whole=False))


def _paths(folder: Path, distance: Distance) -> tuple[Path, ...]:
    """The shards of a space."""
    by_pixels = isinstance(distance, ByPixels)
    place = folder / TRAINING if by_pixels else folder / VECTORS / distance.space
    return tuple(sorted(p for p in place.glob("*.npy") if not p.name.endswith(NUMBERS)))


def _rows(folder: Path, distance: Distance, facts: pa.Table) -> Rows:
    """The rows of a space, on disk."""
    paths = _paths(folder, distance)
    try:
        if isinstance(distance, ByPixels):
            number = np.flatnonzero([status == "ok" for status in facts["status"].to_pylist()])
        else:
            number = np.concatenate(
                [np.load(path.with_suffix(NUMBERS), allow_pickle=False) for path in paths]
            )
    except (OSError, ValueError) as error:
        raise BadInput(f'The index "{folder}" is damaged ({error}). Build it again.') from error
    rows = 0 if not paths else len(Matrix(paths))
    if not rows or rows != len(number):
        raise BadInput(
            f'The index "{folder}" is damaged: it has {rows} rows for {len(number)} images. Build '
            "it again."
        )
    return Rows(Matrix(paths, distance.parts), number)


def _is_enough(spaces: Sequence[Space], memory: int) -> bool:
    """Whether a search of one image has room in so much memory."""
    for space in spaces:
        matrix, keep = space.rows.matrix, space.wanted + SPARE
        try:
            plan_search(matrix.width, matrix.parts, keep, 1, memory)
        except BadInput:
            return False
    return True


def _held(spaces: Sequence[Space]) -> tuple[Space, ...]:
    """The same in the memory; those that share their files share them there too."""
    held: dict[tuple[Any, ...], NDArray[Any]] = {}
    found = []
    for space in spaces:
        matrix, number = space.rows.matrix, space.rows.number
        if space.find is not search:
            found.append(space)
            continue
        if matrix.shards not in held:
            held[matrix.shards] = matrix.stored(np.arange(len(matrix)))
        rows = Rows(Matrix((held[matrix.shards],), matrix.parts), number)
        found.append(Space(space.distances, rows))
    return tuple(found)
