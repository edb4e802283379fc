"""How much of what the exact search finds an approximate one finds, measured on the same rows.

Two questions. Of queries as they come: is what is found as near as the nearest, and which of the
rows within a distance are found? Of changed copies,
made just within a threshold: is anything found within it? A copy is made of a row of the set, moved
towards another one, so that it differs from its original as rows differ:

.. math:: q = c x + \\sqrt{1 - c^2} \\frac{y - (x^\\top y) x}{|y - (x^\\top y) x|}
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from solidmark.neighbours.finder import Finder
from solidmark.neighbours.matrix import Matrix
from solidmark.neighbours.search import Advance, Search, search

SAMPLE = 500
"""So many queries of each kind are asked of both searches."""

_INSIDE = 1e-3
"""So much of the distance a copy lies within it: a vector is of single precision."""


@dataclass(frozen=True)
class Recalled:
    """What an approximate search has found of what the exact one has.

    Arguments:
        asked: How many queries the exact search has an answer for.
        found: To how many of them the other has as good a one.
    """

    asked: int
    found: int


def recall_of_queries(
    find: Finder,
    queries: Matrix,
    base: Matrix,
    how: Search,
    within: float | None = None,
    *,
    own: Int[NDArray[np.int64], " Q"] | None = None,
    advance: Advance | None = None,
) -> tuple[Recalled, Recalled]:
    """Of queries as they come: what is found of what the exact search finds.

    Arguments:
        how: The search; `how.k` of the nearest are asked for.
        within: The distance within which two rows are a pair: 1 - the dot product.
        own: The row of `base` that a query is itself.
        advance: Told of pairs of rows, |queries| x |base| in all.

    Returns:
        How often what is found first is as near as the nearest; and how many of the pairs are
        found, none without `within`.
    """
    how = replace(how, folder=None)
    near = find(queries, base, how, own=own)
    true = search(queries, base, how, own=own, advance=advance)
    # Both distances are direct differences in float64, so equal ones are equal to the bit.
    nearest = Recalled(len(queries), int((near.squared[:, 0] <= true.squared[:, 0]).sum()))
    close = true.squared * (base.width / 2) <= (-1.0 if within is None else within)
    found = close & (true.index[:, :, None] == near.index[:, None, :]).any(axis=2)
    return nearest, Recalled(int(close.sum()), int(found.sum()))


def recall_of_copies(find: Finder, base: Matrix, how: Search, within: float) -> Recalled:
    """Of changed copies of rows: how often anything is found that is as near as a copy may be.

    No exact search is asked: the original is there, within the distance.

    Arguments:
        base: Vectors of length 1.
        within: The distance up to which something is a copy: 1 - the dot product, above 0.
    """
    if not within > 0:
        return Recalled(0, 0)
    copies = copies_within(base, within)
    near = find(Matrix((copies,)), base, replace(how, k=1, folder=None))
    return Recalled(len(copies), int((near.squared[:, 0] * base.width / 2 <= within).sum()))


def copies_within(base: Matrix, within: float, seed: int = 0) -> Float[NDArray[np.float32], "N D"]:
    """Changed copies of some rows, each just within a distance of its original.

    Arguments:
        within: 1 - the dot product with the original, in (0, 2].
    """
    generator = np.random.default_rng(seed)
    again = len(base) < SAMPLE  # Of few rows there are several copies each.
    x, y = (
        base.stored(generator.choice(len(base), SAMPLE, replace=again)).astype(np.float64)
        for _ in range(2)
    )
    aside = y - (x * y).sum(axis=1, keepdims=True) * x
    same = np.linalg.norm(aside, axis=1) < 1e-6  # Of equal rows no way leads anywhere.
    aside[same] = generator.standard_normal((int(same.sum()), base.width))
    aside -= (x * aside).sum(axis=1, keepdims=True) * x
    aside /= np.linalg.norm(aside, axis=1, keepdims=True)
    cosine = max(-1.0, 1 - within * (1 - _INSIDE))
    copies: NDArray[np.float32] = (cosine * x + np.sqrt(1 - cosine**2) * aside).astype(np.float32)
    return copies


def sampled(count: int, seed: int = 0) -> Int[NDArray[np.int64], " N"]:
    """The numbers of the queries that both searches are asked, rising."""
    drawn = np.random.default_rng(seed).choice(count, min(SAMPLE, count), replace=False)
    return np.sort(drawn)
