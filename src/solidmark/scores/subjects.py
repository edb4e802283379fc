"""One p a subject: all pictures of a patient, a person or a place together.

A subject is what the user called a group when the images were marked. Its pictures are alike, and
so may a model's answers about them be; but their keys are independent draws, so all their frames
are one long frame, whose statistic has the null of every other one:

.. math:: T_g = \\sum_{x \\in g} T(k_x)

Images that share a key are asked about one key several times: the mean of their readings counts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from solidmark.scores.discovery import Correction, q_values
from solidmark.scores.learning import Read
from solidmark.scores.once import one_p
from solidmark.scores.statistics import Statistic, statistic_p_values

SUBJECTS = pa.schema([("group_p_value", pa.float64()), ("group_q_value", pa.float64())])
"""The columns of `scores.parquet` where images have groups."""

_KEYS_AT_ONCE = 2**15
"""So many keys are scored at once: their costs are 256 numbers each."""

Rows = Sequence[Mapping[str, Any]]
Column = Float[np.ndarray, " N"]


def subject_columns(
    rows: Rows,
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
        rows: The scored rows: `reader`, `split`, `id`, `subject`, `key_group`, `peers`; none where
            no image has a group.
        p: The p-value of the image of each row.
        key: The keys.
        read: The readings, and whose keys are exchanged with whose.
        used: The statistic of each reader.
        correction: How the q-values are made.

    Returns:
        Nothing where no image has a group.
    """
    if not rows:
        return {}
    units = _units(rows)
    several = {name: some for name, some in units.items() if len(_ids(rows, some)) > 1}
    together = _together(rows, several, key, read, used)
    p_value, q_value = np.empty(len(rows)), np.empty(len(rows))
    parts: dict[tuple[str, str], list[list[int]]] = {}
    for name, of_keys in units.items():
        places = [place for several in of_keys for place in several]
        each = p[list(_ids(rows, of_keys).values())]
        p_value[places] = one_p(together.get(name, 1.0), each.min(), len(each))
        parts.setdefault(name[:2], []).append(places)
    for subjects in parts.values():
        found = q_values(p_value[[places[0] for places in subjects]], correction)
        for places, q in zip(subjects, found, strict=True):
            q_value[places] = q
    return dict(zip(SUBJECTS.names, (p_value, q_value), strict=True))


_Name = tuple[str, str, str]
"""Reader, split and subject."""


def _units(rows: Rows) -> dict[_Name, list[list[int]]]:
    """The rows of each subject, those of one key together."""
    found: dict[_Name, dict[str, list[int]]] = {}
    for place, row in enumerate(rows):
        of_subject = found.setdefault((row["reader"], row["split"], row["subject"]), {})
        of_subject.setdefault(row["key_group"], []).append(place)
    return {name: list(of_keys.values()) for name, of_keys in found.items()}


def _ids(rows: Rows, some: Sequence[Sequence[int]]) -> dict[str, int]:
    """The images of a subject, and a row of each."""
    return {rows[place]["id"]: place for places in some for place in places}


def _together(
    rows: Rows,
    units: Mapping[_Name, list[list[int]]],
    key: Float[np.ndarray, "N M"],
    read: Read,
    used: Mapping[str, Statistic],
) -> dict[_Name, float]:
    """The p-value of all frames of a subject as one; those of the same peers at a time."""
    jobs: dict[tuple[str, tuple[int, ...]], list[tuple[_Name, list[list[int]]]]] = {}
    for name, of_keys in units.items():
        some = sorted(of_keys, key=lambda places: rows[places[0]]["peers"])
        numbers = tuple(rows[places[0]]["peers"] for places in some)
        jobs.setdefault((name[0], numbers), []).append((name, some))
    found: dict[_Name, float] = {}
    for (reader, numbers), job in jobs.items():
        weights = np.concatenate([read.pools[number].weights for number in numbers])
        step = max(1, _KEYS_AT_ONCE // len(weights))
        for start in range(0, len(job), step):
            part = job[start : start + step]
            several = [some for _, some in part]
            candidates, energies = (), None
            if used[reader] == "energy":
                candidates = rows[several[0][0][0]]["candidates"]
                energies = np.stack([_energies(rows, some, len(candidates)) for some in several])
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
            found |= dict(zip([name for name, _ in part], p.tolist(), strict=True))
    return found


def _means(values: Float[np.ndarray, "N M"], some: Sequence[Sequence[int]]) -> Column:
    """The mean over the rows of each key, one key after the other."""
    found: Column = np.concatenate([values[places].mean(axis=0) for places in some])
    return found


def _energies(rows: Rows, some: Sequence[Sequence[int]], count: int) -> Float[np.ndarray, "M K"]:
    """The same of the energies of `count` candidates."""
    curves = (np.array([rows[place]["energies"] for place in places]) for places in some)
    return np.concatenate([one.mean(axis=0).reshape(-1, count) for one in curves])
