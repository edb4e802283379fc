"""One p a subject: all pictures of a patient, a person or a place together.

A subject is what the user called a group when the images were marked. Its pictures are alike, and
so may a model's answers about them be; but their keys are independent draws, so all their frames
are one long frame, whose statistic has the null of every other one:

.. math:: T_g = \\sum_{x \\in g} T(k_x)

Images that share a key are asked about one key several times: the mean of their readings counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from solidmark.scores.columns import groups
from solidmark.scores.discovery import Correction, q_values
from solidmark.scores.learning import Read
from solidmark.scores.once import one_p
from solidmark.scores.statistics import Statistic, statistic_p_values

SUBJECTS = pa.schema([("group_p_value", pa.float64()), ("group_q_value", pa.float64())])
"""The columns of `scores.parquet` where images have groups."""

_KEYS_AT_ONCE = 2**15
"""So many keys are scored at once: their costs are 256 numbers each."""

Column = Float[np.ndarray, " N"]
Whole = Int[np.ndarray, " n"]


@dataclass(frozen=True)
class Shown:
    """Whom the scored rows show, as numbers.

    Arguments:
        table: What energies there are of each row.
        readers: The names of the readers.
        reader: The number of each row's reader.
        part: That of its reader and split.
        image: That of its image.
        key: That of its key.
        subject: That of its subject.
        peers: That of its group of peers.
    """

    table: pa.Table = field(repr=False)
    readers: Sequence[str]
    reader: Whole = field(repr=False)
    part: Whole = field(repr=False)
    image: Whole = field(repr=False)
    key: Whole = field(repr=False)
    subject: Whole = field(repr=False)
    peers: Whole = field(repr=False)

    @cached_property
    def places(self) -> list[Whole]:
        """The rows of each subject of a reader and split, rising."""
        whole = self.part * (int(self.subject.max(initial=0)) + 1) + self.subject
        return [some for _, some in groups(whole)]

    def reader_of(self, place: int) -> str:
        """The reader of a row."""
        return self.readers[int(self.reader[place])]

    def keys(self, places: Whole) -> list[Whole]:
        """The rows of each key of a subject: keys of the same peers together, else as they come."""
        _, first, which = np.unique(self.key[places], return_index=True, return_inverse=True)
        order = np.lexsort((first, self.peers[places[first]]))
        return [places[which == number] for number in order]


def subject_columns(
    asked: Shown | None,
    p: Column,
    key: Float[np.ndarray, "N M"],
    read: Read,
    used: Mapping[str, Statistic],
    correction: Correction,
) -> dict[str, Column]:
    """The p- and q-value of each row's subject, by the columns of `SUBJECTS`.

    Of the pictures of a subject twice the smaller of two p-values is taken, as of several readings
    of one image: that of all its frames together, and the smallest of its pictures, times their
    number. The q-values are over the subjects of one reader and split.

    Arguments:
        asked: Whom the scored rows show; None where no image has a group.
        p: The p-value of the image of each row.
        key: The keys.
        read: The readings, and whose keys are exchanged with whose.
        used: The statistic of each reader.
        correction: How the q-values are made.

    Returns:
        Nothing where no image has a group.
    """
    if asked is None:
        return {}
    together = _together(asked, key, read, used)
    p_value, q_value = np.empty(len(p)), np.empty(len(p))
    first = np.empty(len(asked.places), dtype=np.int64)
    for number, places in enumerate(asked.places):
        _, image = np.unique(asked.image[places], return_index=True)
        each = p[places[image]]
        p_value[places] = one_p(together.get(number, 1.0), each.min(), len(each))
        first[number] = places[0]
    for _, subjects in groups(asked.part[first]):
        found = q_values(p_value[first[subjects]], correction)
        for number, q in zip(subjects, found, strict=True):
            q_value[asked.places[number]] = q
    return dict(zip(SUBJECTS.names, (p_value, q_value), strict=True))


def _together(
    asked: Shown,
    key: Float[np.ndarray, "N M"],
    read: Read,
    used: Mapping[str, Statistic],
) -> dict[int, float]:
    """The p-value of all frames of a subject as one; those of the same peers at a time."""
    jobs: dict[tuple[str, tuple[int, ...]], list[int]] = {}
    for number, places in enumerate(asked.places):
        if len(np.unique(asked.image[places])) > 1:
            _, first = np.unique(asked.key[places], return_index=True)
            told = tuple(np.sort(asked.peers[places[first]]).tolist())
            jobs.setdefault((asked.reader_of(int(places[0])), told), []).append(number)
    found: dict[int, float] = {}
    for (reader, told), job in jobs.items():
        weights = np.concatenate([read.pools[number].weights for number in told])
        step = max(1, _KEYS_AT_ONCE // len(weights))
        for start in range(0, len(job), step):
            part = job[start : start + step]
            several = [asked.keys(asked.places[number]) for number in part]
            candidates, energies = (), None
            if used[reader] == "energy":
                candidates = asked.table["candidates"][int(several[0][0][0])].as_py()
                energies = np.stack([_energies(asked, some, len(candidates)) for some in several])
            rho, values = None, read.in_range
            if used[reader] == "likelihood":
                # A subject lies in one fold, so all its frames are read with the same weights.
                rho, values = read.rho[[some[0][0] for some in several]], read.values
            p = statistic_p_values(
                used[reader],
                np.stack([_means(key, some) for some in several]),
                np.stack([_means(values, some) for some in several]),
                candidates,
                energies,
                weights,
                rho,
            )
            found |= dict(zip(part, p.tolist(), strict=True))
    return found


def _means(values: Float[np.ndarray, "N M"], some: Sequence[Whole]) -> Column:
    """The mean over the rows of each key, one key after the other."""
    found: Column = np.concatenate([values[places].mean(axis=0) for places in some])
    return found


def _energies(asked: Shown, some: Sequence[Whole], count: int) -> Float[np.ndarray, "M K"]:
    """The same of the energies of `count` candidates."""
    kept = asked.table["energies"]
    curves = (np.array([kept[int(place)].as_py() for place in places]) for places in some)
    return np.concatenate([one.mean(axis=0).reshape(-1, count) for one in curves])
