"""Whose key was read? The reading of an image against the true keys of all images of the run.

.. math:: r_i = 1 + \\#\\{j \\ne i : |k_j - \\hat k_i|_1 \\le |k_i - \\hat k_i|_1\\}

The keys are independent draws from one law. So if the model knows nothing of image i, its own key
is as likely to stand at any place among the N keys: the nearest by luck once in N.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from solidmark.scores.scored import Score

CHUNK = 256
"""So many readings are compared at once: 256 against 10,000 keys take 20 MB."""

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


def own_keys(scores: Sequence[Score], asked: Sequence[Score]) -> dict[Name, OwnKey]:
    """Ranks the own key of some rows among the true keys of all rows, both splits together.

    Arguments:
        scores: All rows of the run; their keys are what the readings are compared with.
        asked: The rows in question; those that were not read are left out.

    Returns:
        The place of each row's own key, by the name of the row.
    """
    from scipy.spatial.distance import cdist

    found: dict[Name, OwnKey] = {}
    rows = [score for score in asked if score.key_read and len(score.key_read) == len(score.key)]
    for count in sorted({len(score.key) for score in rows}):
        ids: dict[tuple[str, tuple[float, ...]], str] = {}
        for score in sorted(scores, key=lambda score: score.id):
            if len(score.key) == count:
                ids.setdefault((score.key_group, score.key), score.id)
        place = {name: number for number, name in enumerate(ids)}
        names = list(ids.values())
        keys = np.array([key for _, key in ids], dtype=float)
        some = [score for score in rows if len(score.key) == count]
        for start in range(0, len(some), CHUNK):
            chunk = some[start : start + CHUNK]
            reads = np.array([score.key_read for score in chunk], dtype=float)
            distances = cdist(reads, keys, "cityblock") / count
            for score, line in zip(chunk, distances, strict=True):
                own = place[score.key_group, score.key]
                found[score.name] = _place(line, own, names)
    return found


def _place(distances: np.ndarray, own: int, names: Sequence[str]) -> OwnKey:
    """The place of one key among all, from the distances of all keys to one reading."""
    distance = float(distances[own])
    others = distances.copy()
    others[own] = np.inf
    first = int(others.argmin())
    alone = len(names) == 1
    return OwnKey(
        rank=1 + int(np.sum(others <= distance + SLACK)),
        of=len(names),
        distance=distance,
        other="" if alone else names[first],
        other_distance=0.0 if alone else float(others[first]),
    )
