"""Nearest neighbours as the formula says, in float64 (whole numbers for bytes), one by one."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.neighbours import Matrix
from solidmark.neighbours.plan import plan_search


def naive(
    queries: NDArray, base: NDArray, k: int, parts: int = 1, own: NDArray | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The k nearest of each query, equal ones by their number, and the D of each."""
    exact = np.int64 if base.dtype == np.uint8 else np.float64
    unit = base.shape[1] // parts * (255.0**2 if base.dtype == np.uint8 else 1.0)
    index = np.empty((len(queries), k), np.int64)
    squared = np.empty((len(queries), k))
    for number, query in enumerate(queries):
        difference = base.astype(exact) - query.astype(exact)
        sums = (difference**2).reshape(len(base), parts, -1).sum(axis=2).max(axis=1)
        order = [n for n in np.argsort(sums, kind="stable") if own is None or n != own[number]]
        index[number] = order[:k]
        squared[number] = sums[index[number]] / unit
    return index, squared


def cut(rows: NDArray, places: Sequence[int]) -> tuple[NDArray, ...]:
    """Rows as shards of any sizes."""
    return tuple(np.split(rows, sorted(places)))


def saved(rows: NDArray, folder: Path, size: int, parts: int = 1) -> Matrix:
    """A matrix of files."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for number, first in enumerate(range(0, len(rows), size)):
        paths.append(folder / f"{number}.npy")
        np.save(paths[-1], rows[first : first + size])
    return Matrix(tuple(paths), parts)


def least_memory(width: int, parts: int, keep: int) -> int:
    """The least that a plan takes, in bytes."""
    low, high = 0, 2**40
    while high - low > 1:
        middle = (low + high) // 2
        try:
            plan_search(width, parts, keep, 1, middle)
            high = middle
        except BadInput:
            low = middle
    return high
