"""Statistics that the field compares generators with, from what a `nearest` run has at hand."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.measures.nearest.distances import ByEmbedder, Distance
from solidmark.measures.nearest.gathering import Gathered, Rows
from solidmark.measures.nearest.roles import Answer
from solidmark.neighbours import Search, search
from solidmark.runs import Figure
from solidmark.scores.authenticity import Nearest, authpct
from solidmark.scores.copying import c_t, cells_of
from solidmark.scores.mifid import mifid

FEATURES = ("authpct", "ct", "mifid")

MOST = 50_000
"""Of more images than this, evenly spaced ones stand for all where all would fill the memory."""


@dataclass(frozen=True)
class Statistics:
    """What is asked of every distance.

    Arguments:
        names: Of `FEATURES`.
        memory: The most bytes that a search holds.
        folder: Where searches keep what they have found.
    """

    names: tuple[str, ...]
    gathered: Mapping[str, Gathered]
    memory: int
    device: str
    folder: Path
    seed: int

    def rows(
        self,
        distances: Sequence[Distance],
        rows: Mapping[str, Rows],
        answers: Mapping[tuple[str, str], Answer],
    ) -> list[Figure]:
        """The rows of `results.json` about distances that share a space.

        Only plain distances are asked: rescaled ones do not compare images with one another.

        Arguments:
            distances: The distances.
            rows: The rows of each side in that space.
            answers: What the searches found, by the name of the distance and of the role.
        """
        plain = [d for d in distances if d.wanted == 1 and self.names]
        found: list[Figure] = []
        for distance in plain:
            generated = answers[distance.name, "generated"]
            fresh = answers.get((distance.name, "null")) if "held_out" in rows else None
            if fresh is not None:
                fresh = fresh.without(copies_of_training(self.gathered))
            if "authpct" in self.names:
                found.append(self._authpct(distance, rows["training"], generated, fresh))
            if "ct" in self.names and fresh is not None:
                found.append(self._ct(distance, rows, generated, fresh))
            if "mifid" in self.names and isinstance(distance, ByEmbedder):
                found.append(_mifid(distance, rows, fresh))
        return found

    def _authpct(
        self, distance: Distance, training: Rows, generated: Answer, fresh: Answer | None
    ) -> Figure:
        count = len(self.gathered["training"].facts)
        asked = np.arange(len(training.number))
        if fresh is not None:  # Chance is theirs, so only the images that are somebody's nearest.
            near = np.union1d(generated.nearest, fresh.nearest)
            asked = np.flatnonzero(np.isin(training.number, near))
        how = Search(1, self.memory, self.device, self.folder / f"{distance.space}-authpct")
        found = search(training.matrix, training.matrix, how, rows=asked, own=asked)
        apart, place = np.full(count, np.nan), np.arange(count)
        apart[training.number[asked]] = distance.each(found)[:, 0]
        place[training.number[asked]] = training.number[found.index[:, 0]]
        others = None if fresh is None else _nearest(fresh)
        own = Nearest(apart, place)
        return authpct(_nearest(generated), own, others, measure=distance.name)

    def _ct(
        self, distance: Distance, rows: Mapping[str, Rows], generated: Answer, fresh: Answer
    ) -> Figure:
        cells: list[NDArray[np.int64]] = []
        if isinstance(distance, ByEmbedder):
            features = [
                _features(rows[name], answer.number)
                for name, answer in (("generated", generated), ("held_out", fresh))
            ]
            cells = cells_of(_spaced(rows["training"]), *features, seed=self.seed)
        return c_t(generated.each[:, 0], fresh.each[:, 0], *cells, measure=distance.name)


def check_features(names: Sequence[str], distances: Sequence[Distance]) -> None:
    """Checks that what is asked for can be had, before anything is computed.

    Raises:
        BadInput: When no distance has features of the kind that a statistic needs.
    """
    if "mifid" in names and not any(isinstance(d, ByEmbedder) for d in distances):
        raise BadInput("MiFID needs the features of an embedder. Add one, as --distance dinov2.")
    if names and all(d.wanted > 1 for d in distances):
        raise BadInput("AuthPct and C_T need a plain distance. Add --distance l2 or an embedder.")


def _nearest(answer: Answer) -> Nearest:
    return Nearest(answer.each[:, 0], answer.nearest)


def copies_of_training(gathered: Mapping[str, Gathered]) -> NDArray[np.int64]:
    """The held-out images that are a training image too, by their number among the facts."""
    training = set(gathered["training"].column("content"))
    contents = gathered["held_out"].column("content")
    return np.flatnonzero([content in training for content in contents])


def _mifid(distance: Distance, rows: Mapping[str, Rows], fresh: Answer | None) -> Figure:
    return mifid(
        _spaced(rows["generated"]),
        _spaced(rows["training"]),
        None if fresh is None else _features(rows["held_out"], fresh.number[:MOST]),
        measure=distance.name,
    )


def _features(rows: Rows, number: NDArray[np.int64]) -> NDArray[np.float64]:
    """The vectors of images, by their number among the facts."""
    return rows.matrix.stored(np.searchsorted(rows.number, number)).astype(np.float64)


def _spaced(rows: Rows) -> NDArray[np.float64]:
    """The vectors of all images, or of as many as fit, evenly spaced."""
    count = len(rows.number)
    picked = np.arange(count) if count <= MOST else np.linspace(0, count - 1, MOST).astype(int)
    return rows.matrix.stored(picked).astype(np.float64)
