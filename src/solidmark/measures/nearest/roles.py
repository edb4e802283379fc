"""Who is asked about, and among whom: the four searches of a `nearest` run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from solidmark.cards.asked import Way
from solidmark.measures.nearest.distances import Distance, Reported
from solidmark.measures.nearest.gathering import Gathered, Rows
from solidmark.neighbours import Finder, Search, finder_of, search
from solidmark.randomness import uniform
from solidmark.runs import progress


@dataclass(frozen=True)
class Role:
    """One question: how near is the nearest of `base` to each of `queries`?

    Arguments:
        name: `generated`, `null`, `trained` or `held_out`.
        queries: The name of the side that is asked about.
        base: The name of the side among which the neighbours are.
    """

    name: str
    queries: str
    base: str


GENERATED = Role("generated", "generated", "training")
"""The score of a generation: how close it comes to a training image."""

NULL = Role("null", "held_out", "training")
"""How close a fresh image of the same kind comes to a training image."""

TRAIN_NULL = Role("null", "training", "training")
"""How close training images come to one another, where nothing was held out."""

TRAINED = Role("trained", "training", "generated")
"""Turned round: how close the generations come to a training image."""

HELD_OUT = Role("held_out", "held_out", "generated")
"""And to an image that the model never saw."""


@dataclass(frozen=True)
class Answer:
    """What one distance says of the images that one role asks about.

    Arguments:
        number: The number of each image among the facts of its side.
        nearest: The number of its nearest among the facts of the other side.
        reported: The distances.
        neighbours: All neighbours that were found, as numbers among the facts, with shape (Q, k).
        each: The distance to each of them.
    """

    number: Int[NDArray[np.int64], " Q"]
    neighbours: Int[NDArray[np.int64], "Q k"]
    each: Float[NDArray[np.float64], "Q k"]
    reported: Reported

    @property
    def nearest(self) -> Int[NDArray[np.int64], " Q"]:
        return self.neighbours[:, 0]

    def without(self, number: Int[NDArray[np.int64], " E"]) -> "Answer":
        """The same without some images, by their number among the facts."""
        kept = ~np.isin(self.number, number)
        told = self.reported
        similarity = None if told.similarity is None else told.similarity[kept]
        raw = None if told.raw is None else told.raw[kept]
        reported = Reported(told.distance[kept], similarity, raw)
        return Answer(self.number[kept], self.neighbours[kept], self.each[kept], reported)


@dataclass(frozen=True)
class Asking:
    """What all searches of a run share.

    Arguments:
        gathered: The sides by name.
        roles: The questions.
        neighbours: How many neighbours are kept of a generation.
        memory: The most bytes that a search holds.
        device: Where matrix products run.
        folder: Where searches keep what they have found.
        seed: Of the choice of training images that stand for held-out ones.
        way: How vectors are searched for.
        lists: Where they are laid out, where that is not exactly.
    """

    gathered: Mapping[str, Gathered]
    roles: tuple[Role, ...]
    neighbours: int
    memory: int
    device: str
    folder: Path
    seed: int
    way: Way = "exact"
    lists: Path | None = None

    def finders(self, distances: Sequence[Distance], rows: Mapping[str, Rows]) -> dict[str, Finder]:
        """What searches among the rows of each side that is searched; lists are laid out now.

        Arguments:
            distances: Those of one space.
            rows: The rows of each side in that space.
        """
        lists, space = self.lists, distances[0].space
        if lists is None:
            return {}
        return {
            base: finder_of(rows[base].matrix, self.way, lists / space / base, f"{space}: {base}")
            for base in sorted({role.base for role in self.roles})
        }

    def ask(
        self,
        distances: Sequence[Distance],
        rows: Mapping[str, Rows],
        finders: Mapping[str, Finder],
    ) -> dict[tuple[str, str], Answer]:
        """Asks all questions about distances that share a space.

        Arguments:
            distances: The distances.
            rows: The rows of each side in that space.
            finders: What searches among those of a side; where there is none, the exact search.

        Returns:
            The answers by the name of the distance and of the role.
        """
        return {
            (distance.name, role.name): answer
            for role in self.roles
            for distance, answer in self._asked(role, distances, rows, finders).items()
        }

    def _asked(
        self,
        role: Role,
        distances: Sequence[Distance],
        rows: Mapping[str, Rows],
        finders: Mapping[str, Finder],
    ) -> dict[Distance, Answer]:
        queries, base = rows[role.queries], rows[role.base]
        number, own = queries.number, None
        if role.queries == role.base:
            own = self._some(queries, len(rows["generated"].number))
            number = number[own]
        there = len(base.number) - (own is not None)
        k = max(d.wanted for d in distances)
        k = min(max(k, self.neighbours if role is GENERATED else 1), there)
        name = f"{distances[0].space}-{role.name}"
        how = Search(k, self.memory, self.device, self.folder / name)
        title = f"{distances[0].space}: {role.name}"
        with progress(title, len(number) * len(base.number)) as advance:
            find = finders.get(role.base, search)
            found = find(queries.matrix, base.matrix, how, rows=own, own=own, advance=advance)
        neighbours = base.number[found.index]
        return {
            distance: Answer(number, neighbours, distance.each(found), distance.report(found))
            for distance in distances
        }

    def _some(self, rows: Rows, most: int) -> NDArray[np.int64]:
        """As many of the training images as there are generations, drawn by their ids."""
        ids = self.gathered["training"].column("id")
        drawn = sorted(
            range(len(rows.number)), key=lambda n: uniform(self.seed, "null", ids[rows.number[n]])
        )
        return np.array(sorted(drawn[:most]))
