"""All pairs of a matrix that are close, by a search: with more and more neighbours.

An image with many close ones needs many neighbours, and most have none. So a few are asked for, and
more only of those rows whose last neighbour is still close.
"""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.neighbours import Finder, Matrix, Neighbours, Search, search
from solidmark.runs import progress

FIRST = 8
"""Neighbours that are asked for at first."""

MOST = 2**26
"""Pairs beyond which a threshold is no threshold for copies."""

_GROWTH = 4
_AT_ONCE = 2**22
"""Neighbours that one search answers with."""


def close_pairs(
    matrix: Matrix,
    is_close: Callable[[Neighbours], Bool[NDArray[np.bool_], "Q k"]],
    how: Search,
    find: Finder = search,
) -> tuple[Int[NDArray[np.int64], "E 2"], Neighbours]:
    """Finds all pairs that are close.

    Arguments:
        is_close: Tells close neighbours from others; a nearer one is close if a farther one is.
        how: With how much memory, and where the state of a killed search is kept. Its k does not
            count.
        find: The search. By an approximate one the pairs are those that it finds.

    Returns:
        The pairs, the smaller number first, sorted, each once; and the nearest of each row.

    Raises:
        BadInput: When there are too many for a threshold that means anything.
    """
    most = len(matrix) - 1
    k = min(FIRST, most)
    with progress("comparing all with all", len(matrix) ** 2) as advance:
        own = np.arange(len(matrix))
        nearest = find(matrix, matrix, replace(how, k=k), own=own, advance=advance)
    close = is_close(nearest)
    settled = ~close[:, -1] if k < most else np.ones(len(matrix), dtype=bool)
    pairs = [_pairs(own[settled], nearest.index[settled], close[settled])]
    left = own[~settled]
    while len(left):
        k = min(_GROWTH * k, most)
        still = []
        for rows in np.array_split(left, -(-len(left) * k // _AT_ONCE)):
            queries = Matrix((matrix.stored(rows),), matrix.parts)
            found = find(queries, matrix, replace(how, k=k, folder=None), own=rows)
            close = is_close(found)
            settled = ~close[:, -1] if k < most else np.ones(len(rows), dtype=bool)
            pairs.append(_pairs(rows[settled], found.index[settled], close[settled]))
            still.append(rows[~settled])
            _check(sum(map(len, pairs)) + int(close[~settled].sum()))
        left = np.concatenate(still)
    return np.unique(np.concatenate(pairs), axis=0), Neighbours(
        nearest.index[:, :1], nearest.squared[:, :1]
    )


def joined(count: int, pairs: Int[NDArray[np.int64], "E 2"]) -> Int[NDArray[np.int64], " N"]:
    """The number of each one's group, where pairs belong to one group."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ones = np.ones(len(pairs), dtype=bool)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    labels: NDArray[np.int64] = connected_components(graph, directed=False)[1].astype(np.int64)
    return labels


def similarity_of(
    matrix: Matrix, rows: Int[NDArray[np.int64], " P"], others: Int[NDArray[np.int64], " P"]
) -> Float[NDArray[np.float64], " P"]:
    """The dot products of some pairs of unit vectors, in [-1, 1]."""
    one, two = (matrix.stored(some).astype(np.float64) for some in (rows, others))
    products: NDArray[np.float64] = (one * two).sum(axis=1)
    return np.clip(products, -1, 1)


def _pairs(
    rows: NDArray[np.int64], index: NDArray[np.int64], close: NDArray[np.bool_]
) -> NDArray[np.int64]:
    line, place = np.nonzero(close)
    both = np.stack([rows[line], index[line, place]], axis=1)
    return np.sort(both, axis=1)


def _check(count: int) -> None:
    if count > MOST:
        raise BadInput(
            f"More than {MOST:,} pairs of images are that similar: these are not copies. "
            "Use a higher --above."
        )
