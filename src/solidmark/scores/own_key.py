"""Whose key was read? The reading of an image against the true keys of all images of the run.

.. math:: r_i = 1 + \\#\\{j \\ne i : |k_j - \\hat k_i|_1 \\le |k_i - \\hat k_i|_1\\}

The keys are independent draws from one law. So if the model knows nothing of image i, its own key
is as likely to stand at any place among the N keys: the nearest by luck once in N.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float

from solidmark.scores.columns import codes, matrix, text
from solidmark.scores.scored import Score, Scores

CHUNK = 256
"""So many readings are compared at once, where that are no more than `CELLS` distances."""

CELLS = 2_500_000
"""20 MB of distances: 256 readings against 10,000 keys, 2 against a million."""

PAIRS = 1_000_000_000
"""So many distances are taken at most: where each of many readings would be compared with each of
many keys, it is compared with keys drawn from them, and `OwnKey.of` says with how many."""

_LEAST = 1000
"""With so many keys each reading is compared in any case."""

SLACK = 1e-9
"""Keys this much further away count as equally near: sums of greys are not exact in binary."""

Name = tuple[str, str, str, int]


@dataclass(frozen=True)
class OwnKey:
    """Where the own key of an image stands among the keys of all images, by nearness.

    Images that share one key (copies of one another) count as one.

    Arguments:
        rank: The place of the own key, 1 = the nearest; keys equally near stand before it.
        of: How many different keys were compared (N), the own one among them.
        distance: From the reading to the own key, in [0, 1].
        other: The id of the nearest other image; empty when there is none.
        other_distance: From the reading to the key of that image, in [0, 1].
    """

    rank: int
    of: int
    distance: float
    other: str
    other_distance: float

    @property
    def place(self) -> str:
        """The rank in words.

        Example:
            >>> OwnKey(1, 9, 0.0, "", 0.0).place, OwnKey(22, 99, 0.1, "x", 0.0).place
            ('nearest', '22nd nearest')
        """
        if self.rank == 1:
            return "nearest"
        ending = {1: "st", 2: "nd", 3: "rd"}.get(self.rank % 10, "th")
        return f"{self.rank:,}{'th' if self.rank % 100 in (11, 12, 13) else ending} nearest"


@dataclass(frozen=True)
class Rivals:
    """The different keys of a run, N of them, sorted by the id of the first image that has each.

    Arguments:
        ids: These images.
        groups: The name of each key.
        keys: The keys, with shape (N, M), in [0, 1].
    """

    ids: pa.Array = field(repr=False)
    groups: pa.Array = field(repr=False)
    keys: Float[np.ndarray, "N M"] = field(repr=False)

    def places(self, asked: Sequence[Score]) -> dict[Name, OwnKey]:
        """Ranks the own key of each of some rows; those that were not read are left out."""
        from scipy.spatial.distance import cdist

        rows = [one for one in asked if one.key_read and len(one.key_read) == len(one.key)]
        found: dict[Name, OwnKey] = {}
        step = max(1, min(CHUNK, CELLS // max(1, len(self.keys))))
        for start in range(0, len(rows), step):
            chunk = rows[start : start + step]
            reads = np.array([score.key_read for score in chunk], dtype=float)
            distances = cdist(reads, self.keys, "cityblock") / reads.shape[1]
            own = pc.index_in(text([one.key_group for one in chunk]), value_set=self.groups)
            for score, line, place in zip(chunk, distances, own.to_pylist(), strict=True):
                if place is None:  # It is not among those that were drawn.
                    gap = np.abs(np.subtract(score.key, score.key_read or ())).mean()
                    line, place = np.append(line, gap), len(line)
                found[score.name] = _place(line, place, self.ids)
        return found


def rivals_of(scores: Scores, count: int) -> Rivals:
    """The keys that readings are compared with, of both splits together.

    Arguments:
        scores: All rows of the run.
        count: How many readings are to be compared: `PAIRS` bounds with how many keys.
    """
    order = np.argsort(codes(scores.table["id"])[0], kind="stable")
    units = scores.units(order)
    _, first = np.unique(codes(units)[0], return_index=True)
    most = max(_LEAST, PAIRS // max(1, count))
    if len(first) > most:
        first = np.random.default_rng(0).permutation(first)[:most]
    first = np.sort(first)
    rows = pa.array(order[first])
    ids = text(scores.table["id"].take(rows))
    return Rivals(ids, units.take(pa.array(first)), matrix(scores.table["key"].take(rows)))


def own_keys(scores: Scores, asked: Sequence[Score]) -> dict[Name, OwnKey]:
    """Ranks the own key of some rows among the true keys of all rows, both splits together.

    Arguments:
        scores: All rows of the run; their keys are what the readings are compared with.
        asked: The rows in question; those that were not read are left out.

    Returns:
        The place of each row's own key, by the name of the row.
    """
    return rivals_of(scores, len(asked)).places(asked) if asked else {}


def _place(distances: np.ndarray, own: int, names: pa.Array) -> OwnKey:
    """The place of one key among all, from the distances of all keys to one reading."""
    distance = float(distances[own])
    others = distances.copy()
    others[own] = np.inf
    first = int(others.argmin())
    alone = len(distances) == 1
    return OwnKey(
        rank=1 + int(np.sum(others <= distance + SLACK)),
        of=len(distances),
        distance=distance,
        other="" if alone else names[first].as_py(),
        other_distance=0.0 if alone else float(others[first]),
    )
