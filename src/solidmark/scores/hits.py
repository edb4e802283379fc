"""The law of a hit count when keys and model are independent.

A row is a hit when its distance is within delta. Given the estimates, the hits of one key group
are a function of its one key, and groups are independent: the law of the count is the
convolution of the laws of the groups. All terms are positive and none is rounded away, so the
far tail is as good as the bulk.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float, Int

from solidmark.scores.groups import writable
from solidmark.scores.null import LEVELS, TIE, level_window, p_values

Law = Float[np.ndarray, " C"]
"""The chances of 0, 1, 2, ... hits."""

_DRAWS = LEVELS**2
"""As many as there are vectors of two keys, which are not drawn but counted."""
_ENOUGH_HITS = 100


def hit_chance(key_read: Float[np.ndarray, "N M"], delta: float) -> Float[np.ndarray, " N"]:
    """The chance of each row to be within delta, given its estimate; exact for M = 1.

    Several keys are allowed 1 % too much: a chance level that is looked at, counted with,
    and asked for at several delta need not cost what a p-value costs.
    """
    return p_values(np.full(len(key_read), delta), key_read, tolerance=0.01)


def group_laws(
    key_read: Float[np.ndarray, "N M"],
    chance: Float[np.ndarray, " N"],
    codes: Int[np.ndarray, " N"],
    delta: float,
    seed: int,
) -> list[Law]:
    """The law of the number of hits in each key group.

    A group of one row hits with its chance. A group of several rows with one key each is counted
    over the 256 levels of that key; with several keys see `_shared_vector`.

    Arguments:
        key_read: The estimates, with shape (N, M), in [0, 1].
        chance: The `hit_chance` of each row, with shape (N).

    Returns:
        One law a group, with shape (rows of the group + 1).
    """
    order = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes))[:-1]
    laws = []
    for number, rows in enumerate(np.split(order, ends)):
        if len(rows) == 1:
            laws.append(np.array([1 - chance[rows[0]], chance[rows[0]]]))
        elif key_read.shape[1] == 1:
            laws.append(_shared_level(key_read[rows, 0], delta))
        else:
            generator = np.random.default_rng([seed, number])
            laws.append(_shared_vector(key_read[rows], chance[rows], delta, generator))
    return laws


def sum_law(laws: Sequence[Law]) -> Law:
    """The law of a sum of independent counts, by direct convolution of ever larger halves."""
    rest = list(laws)
    while len(rest) > 1:
        pairs = [np.convolve(a, b) for a, b in zip(rest[::2], rest[1::2], strict=False)]
        rest = pairs + rest[len(pairs) * 2 :]
    return rest[0]


def upper_tail(law: Law, count: int) -> float:
    """The chance of at least `count` hits."""
    return writable(law[count:].sum()) if count > 0 else 1.0


def _shared_level(k_hat: Float[np.ndarray, " r"], delta: float) -> Law:
    """The hits of r estimates of one key, counted over its levels."""
    low, high = level_window(k_hat[:, None], np.array(delta))
    levels = np.arange(LEVELS)
    hits = ((low <= levels) & (levels <= high)).sum(axis=0)
    return np.bincount(hits, minlength=len(k_hat) + 1) / LEVELS


def _shared_vector(
    key_read: Float[np.ndarray, "r M"],
    chance: Float[np.ndarray, " r"],
    delta: float,
    generator: np.random.Generator,
) -> Law:
    """The hits of r estimates of one key vector.

    Two keys are counted over all their 65,536 vectors. For more, the mean number of hits is known,
    `sum(chance)`, and how they fall together is seen in as many drawn vectors, scaled to that mean:
    the chance of a group is within about 2e-3. When hits are too rare to be seen so,
    `P(hits >= h) <= mean / h` (Markov) is taken for the law itself: it is above any law with this
    mean.
    """
    size, mean = len(key_read), float(chance.sum())
    if mean * _DRAWS / size >= _ENOUGH_HITS:
        keys = _vectors(key_read.shape[1], generator) / (LEVELS - 1)
        hits = sum(
            (np.abs(keys - k_hat).mean(axis=1) <= delta + TIE).astype(int) for k_hat in key_read
        )
        law = np.bincount(hits, minlength=size + 1) / _DRAWS
        scaled = law[1:] * mean / (law[1:] @ np.arange(1, size + 1))
        if scaled.sum() <= 1:
            return np.concatenate([[1 - scaled.sum()], scaled])
        return law
    tail = np.minimum(1.0, mean / np.arange(1, size + 1))
    return np.concatenate([[1 - tail[0]], tail[:-1] - tail[1:], tail[-1:]])


def _vectors(count: int, generator: np.random.Generator) -> Int[np.ndarray, "D M"]:
    """All level vectors of two keys, or `_DRAWS` random ones of more."""
    if count == 2:
        return np.stack(np.divmod(np.arange(_DRAWS), LEVELS), axis=1)
    return generator.integers(LEVELS, size=(_DRAWS, count))
