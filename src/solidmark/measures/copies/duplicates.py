"""`duplicates`: which images of a data set are copies of one another, and which to remove.

An image that comes often is memorized first, so a training set is looked through before it is
trained on.
"""

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from solidmark.data import Dataset, identity_of, inventories
from solidmark.embed import Cache
from solidmark.measures.copies.closest import Closest, Uniques
from solidmark.measures.copies.components import Copy, group_copies
from solidmark.measures.copies.deduplication import Deduplication
from solidmark.measures.copies.duplicatetable import write_duplicates
from solidmark.measures.copies.freeing import freed_if_impossible
from solidmark.measures.copies.looking import look_at
from solidmark.measures.copies.similar import close_pairs, similarity_of
from solidmark.measures.nearest.approximated import check_search, search_figures
from solidmark.measures.nearest.distances import ByEmbedder, Distance
from solidmark.measures.nearest.gathering import Rows, gather
from solidmark.neighbours import Neighbours, Search, finder_of, search
from solidmark.runs import (
    Figure,
    Processes,
    Run,
    check_device,
    open_run,
    peak_memory_bytes,
    progress,
)

PRODUCTS = ("duplicates.parquet", "remove.txt", "closest.parquet", "results.json", "pictures")
"""What a finished run is whole with."""

_TIE = 1e-6
"""A pair this far below the threshold counts in: vectors are of single precision."""


def duplicates(asked: Deduplication) -> Run:
    """Finds the copies in a data set.

    The same call goes on after a kill; several processes of one launch share the work.

    Arguments:
        asked: The images, and what counts as a copy.

    Returns:
        The run, with `duplicates.parquet`, `remove.txt`, `results.json` and the pictures of the
        page; with an embedder or a distance `closest.parquet` too.

    Raises:
        NotFound: When there is no such data.
        BadInput: When no image can be read, none can be compared by pixels, or the threshold takes
            nearly everything for a copy.

    References:
        Somepalli et al., "Understanding and mitigating copying in diffusion models", 2023: the
        similarity of training images among themselves.
    """
    check_device(asked.device)
    distances, embedder = asked.open_distances()
    check_search(asked.search, (embedder,))
    data = asked.open_data()
    run = open_run(asked.out, "duplicates", asked.to_json(), _fingerprints(data, embedder))
    if run.finished:
        return run
    with freed_if_impossible(run):
        images, broken = look_at(run, data, asked.open_data)
    among = _Among(asked, Uniques(images, data, asked.open_data), asked.out / "work")
    seen = None if embedder is None else among.by_embedder(embedder)
    closest = [] if seen is None else [seen.closest]
    closest += [among.by_pixels(distance) for distance in distances]
    if Processes.here().is_main:
        copies = group_copies(images, None if seen is None else seen.pairs, near=asked.near)
        similarity = None if seen is None else seen.similarity(copies)
        searched = () if seen is None else seen.figures
        write_duplicates(run, asked, data, images, broken, copies, similarity, closest, searched)
        shutil.rmtree(among.folder, ignore_errors=True)
        run.finish(
            *PRODUCTS,
            peak_memory_bytes=peak_memory_bytes(asked.device),
            inventory=inventories(data=data),
        )
    Processes.here().wait()
    return run


def _fingerprints(data: Dataset, embedder: ByEmbedder | None) -> dict[str, str]:
    found = {"data": identity_of(data)}
    if embedder is not None and embedder.embedder.card.weights:
        found[embedder.name] = embedder.embedder.card.weights
    return found


@dataclass(frozen=True)
class _Seen:
    """What an embedder sees.

    Arguments:
        rows: A row for each different image that is not blank.
        row_of: The row of each image; -1 for blank ones.
        pairs: The numbers of images that are similar.
        closest: The nearest other of each.
        figures: What an approximate search finds.
    """

    rows: Rows
    row_of: NDArray[np.int64]
    pairs: Int[NDArray[np.int64], "E 2"]
    closest: Closest
    figures: Sequence[Figure]

    def similarity(self, copies: list[Copy]) -> Float[NDArray[np.float64], " C"]:
        """Of each copy to the image of its group that is kept; NaN for blank ones."""
        own = np.array([self.row_of[copy.number] for copy in copies], dtype=np.int64)
        kept = np.array([self.row_of[copy.kept] for copy in copies], dtype=np.int64)
        there = (own >= 0) & (kept >= 0)
        found = np.full(len(copies), np.nan)
        if there.any():
            found[there] = similarity_of(self.rows.matrix, own[there], kept[there])
        return found


@dataclass(frozen=True)
class _Among:
    """The searches of images among themselves."""

    asked: Deduplication
    uniques: Uniques
    folder: Path

    def by_embedder(self, by: ByEmbedder) -> _Seen | None:
        """All similar pairs; None where there are no two images to compare."""
        cache = Cache() if self.asked.cache is None else Cache(self.asked.cache)
        gathered = self.uniques.gathered(self.folder / "images")
        rows = by.rows(gathered, self.folder / by.name, cache)
        if len(rows.number) < 2:
            return None
        most = 1 - self.asked.above + _TIE

        def is_close(found: Neighbours) -> NDArray[np.bool_]:
            close: NDArray[np.bool_] = by.each(found) <= most
            return close

        how = Search(1, self.asked.memory, self.asked.device, self.folder / f"{by.name}-search")
        lists = self.folder / f"{by.name}-lists"
        find = finder_of(rows.matrix, self.asked.search, lists, f"{by.name}: images")
        pairs, nearest = close_pairs(rows.matrix, is_close, how, find)
        figures = search_figures(
            *(by, find, rows.matrix, rows.matrix),
            within=1 - self.asked.above,
            memory=self.asked.memory,
            among_themselves=True,
        )
        pairs = self.uniques.first[rows.number[pairs]]
        closest = self.uniques.closest(by, rows, nearest)
        return _Seen(rows, self.uniques.row_of(rows), pairs, closest, figures)

    def by_pixels(self, by: Distance) -> Closest:
        """The nearest other image of each that has the size of the first."""
        tiles = isqrt(by.parts)
        folder = self.folder / f"pixels-{tiles}"
        unique, source = self.uniques.chosen, self.uniques.source
        rows = gather("training", unique, folder, tiles=tiles, source=source).pixels(tiles)
        if len(rows.number) < 2:
            return self.uniques.nothing(by)
        k = min(by.wanted, len(rows.number) - 1)
        name = f"{by.name}-search"
        how = Search(k, self.asked.memory, self.asked.device, self.folder / name)
        own = np.arange(len(rows.number))
        with progress(f"comparing by {by.name}", len(own) ** 2) as advance:
            found = search(rows.matrix, rows.matrix, how, own=own, advance=advance)
        return self.uniques.closest(by, rows, found)
