"""Columns of tables as arrays: a million rows are a few of them, and not a million dicts."""

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int

Column: TypeAlias = pa.Array | pa.ChunkedArray


def text(values: Column | Sequence[str]) -> pa.Array:
    """Text in one piece, however another program has kept it."""
    if isinstance(values, pa.ChunkedArray):
        values = values.combine_chunks()
    if not isinstance(values, pa.Array):
        return pa.array(values, pa.string())
    return values if values.type == pa.string() else pc.cast(values, pa.string())


def codes(values: Column | Sequence[str]) -> tuple[Int[np.ndarray, " N"], pa.Array]:
    """The place of each value among the different ones, which are sorted.

    Example:
        >>> codes(["b", "a", "b"])[0]
        array([1, 0, 1])
    """
    encoded = text(values).dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    place = np.empty(len(order), dtype=np.int64)
    place[order.to_numpy()] = np.arange(len(order))
    return place[encoded.indices.to_numpy()], encoded.dictionary.take(order)


def numbers(column: Column) -> Float[np.ndarray, " N"]:
    """Numbers, NaN where there is none."""
    values: np.ndarray = pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False)
    return values


def matrix(column: Column) -> Float[np.ndarray, "N M"]:
    """Lists of one length as the rows of a matrix; where there is no list, there is no row."""
    chunks = column.chunks if isinstance(column, pa.ChunkedArray) else [column]
    flat = [numbers(chunk.flatten()) for chunk in chunks]
    values = flat[0] if len(flat) == 1 else np.concatenate([*flat, np.empty(0)])
    rows = len(column) - column.null_count
    return values.reshape(rows, len(values) // rows if rows else 0)


def lists(values: Float[np.ndarray, "N M"]) -> pa.Array:
    """The rows of a matrix as lists."""
    rows, width = values.shape
    ends = np.arange(rows + 1, dtype=np.int32) * width
    flat = np.ascontiguousarray(values, dtype=np.float64).ravel()
    return pa.ListArray.from_arrays(pa.array(ends), pa.array(flat))


def groups(code: Int[np.ndarray, " N"]) -> Iterator[tuple[int, Int[np.ndarray, " n"]]]:
    """Each number that stands in an array, in rising order, and where it stands.

    Example:
        >>> [(number, places.tolist()) for number, places in groups(np.array([7, 3, 7]))]
        [(3, [1]), (7, [0, 2])]
    """
    order = np.argsort(code, kind="stable")
    different, starts = np.unique(code[order], return_index=True)
    if len(code):
        yield from zip(different.tolist(), np.split(order, starts[1:]), strict=True)
