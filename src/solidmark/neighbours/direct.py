"""Distances by direct differences: what is reported, and the last resort of the search."""

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from solidmark.late import Tensor, torch
from solidmark.neighbours.matrix import Matrix

_EXACT = 256
"""So many squared differences of bytes add up to a whole number that float32 holds."""


def squared_differences(query: Float[Tensor, "P W"], rows: Float[Tensor, "N P W"]) -> Tensor:
    """The sum of squared differences of the part that has the largest, row by row.

    Arguments:
        query: One row, as `Matrix` gives it.
        rows: The rows it is compared with; float32 for bytes, else float64.

    Returns:
        float64, with shape (N): exact for bytes, else to the precision of float64.
    """
    square = (rows - query).square_()
    if rows.dtype == torch.float64:
        return square.sum(dim=2).amax(dim=1)
    whole = square.shape[2] // _EXACT * _EXACT
    total = square[:, :, :whole].unflatten(2, (-1, _EXACT)).sum(dim=3).double().sum(dim=2)
    if whole < square.shape[2]:
        total += square[:, :, whole:].sum(dim=2).double()
    return total.amax(dim=1)


def measured(
    queries: Matrix,
    numbers: Int[NDArray[np.int64], " Q"],
    base: Matrix,
    index: Int[NDArray[np.int64], "Q K"],
    pairs: int,
) -> Float[NDArray[np.float64], "Q K"]:
    """The true squared distances of candidates.

    Arguments:
        pairs: How many rows of the base are read at once.

    Returns:
        The largest sum of squared differences of any part.
    """
    squared = np.empty(index.shape)
    kind = torch.float32 if base.is_bytes else torch.float64
    at_once = max(1, pairs // index.shape[1])
    for start in range(0, len(index), at_once):
        some = queries.take(numbers[start : start + at_once]).to(kind)
        for first in range(0, index.shape[1], pairs):
            part = index[start : start + at_once, first : first + pairs]
            stored = base.stored(part.ravel()).reshape(*part.shape, -1)
            # One query at a time: what is added up then stays in the caches.
            for number, (query, rows) in enumerate(zip(some, stored, strict=True), start):
                found = squared_differences(query, base.read(rows).to(kind))
                squared[number, first : first + pairs] = found.numpy()
    return squared


def search_directly(
    query: Float[Tensor, "P W"], base: Matrix, k: int, size: int
) -> tuple[Int[NDArray[np.int64], " K"], Float[NDArray[np.float64], " K"]]:
    """The k nearest of one query by direct differences from every row: for ties without end."""
    kind = torch.float32 if base.is_bytes else torch.float64
    numbers, squares = np.empty(0, np.int64), np.empty(0)
    for first, rows in base.blocks(size):
        squared = squared_differences(query.to(kind), rows.to(kind)).numpy()
        numbers = np.concatenate([numbers, np.arange(first, first + len(rows))])
        squares = np.concatenate([squares, squared])
        best = np.lexsort((numbers, squares))[:k]
        numbers, squares = numbers[best], squares[best]
    return numbers, squares
