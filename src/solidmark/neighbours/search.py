"""The k nearest rows of a matrix for each row of another: exact, with bounded memory.

.. math:: D(q, x) = \\max_p \\frac{1}{w} \\sum_{i \\in p} (q_i - x_i)^2

over the parts p of a row (one part: the mean squared difference). Matrix products of float32 find
candidates, and all that is reported comes from direct differences. What the products err by is
bounded; a query whose k-th neighbour is not farther inside its candidates than that bound is
searched again, so that the answer is that of float64 and not a likely one.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.neighbours.candidates import Candidates
from solidmark.neighbours.direct import measured, search_directly
from solidmark.neighbours.kept import Found, Kept, gathered, in_blocks
from solidmark.neighbours.matrix import Matrix, check_alike
from solidmark.neighbours.plan import TILE, Plan, plan_search
from solidmark.neighbours.products import (
    as_base,
    as_queries,
    full_precision,
    largest_error,
    squared_distances,
)
from solidmark.runs import Processes

SPARE = 14
"""How many candidates more than k are kept."""

_AGAIN = 8
"""How many times as many are kept for queries that are not settled by them."""

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Neighbours:
    """The nearest rows, the nearest first; equal ones by their number.

    Arguments:
        index: The numbers of the rows, with shape (Q, k).
        squared: The D of each, in the unit of the rows squared (images: [0, 1]), with shape (Q, k).
    """

    index: Int[NDArray[np.int64], "Q k"]
    squared: Float[NDArray[np.float64], "Q k"]

    @property
    def distance(self) -> Float[NDArray[np.float64], "Q k"]:
        """The root of D: l2, or patched l2."""
        return np.sqrt(self.squared)


@dataclass(frozen=True)
class Search:
    """How neighbours are searched for.

    Arguments:
        k: How many.
        memory: The most bytes that the search itself holds, beside Python and its libraries.
        device: Where the products are computed.
        folder: Where the state is kept, for a search that is killed; None keeps nothing.
    """

    k: int = 1
    memory: int = 2**30
    device: str = "cpu"
    folder: Path | None = None

    def __post_init__(self) -> None:
        if self.k < 1:
            raise BadInput(f"A search finds 1 or more neighbours, not {self.k}.")


def search(
    queries: Matrix,
    base: Matrix,
    how: Search | None = None,
    *,
    rows: Int[NDArray[np.int64], " Q"] | None = None,
    own: Int[NDArray[np.int64], " Q"] | None = None,
    advance: Advance | None = None,
) -> Neighbours:
    """Finds the k nearest rows of `base` for each row of `queries`.

    Several processes of one launch share the queries, and all of them get the whole answer; for
    that they need a folder.

    Arguments:
        queries: The rows that are asked about.
        base: The rows among which the neighbours are.
        how: How many, and with how much memory.
        rows: Which rows of `queries` are asked about; all when not given.
        own: The row of `base` that a query is itself, and that does not count; -1 for none.
        advance: Told of pairs of rows that are done, |rows| x |base| in all.

    Raises:
        BadInput: When the matrices do not fit together, there are fewer rows than k, or the memory
            is too small.
    """
    how = how or Search()
    check_alike(queries, base)
    check_enough(base, how, own is not None)
    rows = np.arange(len(queries)) if rows is None else rows
    own = np.full(len(rows), -1) if own is None else own
    processes = Processes.here() if how.folder else Processes()
    task = _Task(queries, base, how, _plan(queries, len(rows), base, how, processes))

    def answer(some: slice, block: Kept) -> Found:
        with full_precision():
            return _answer(task, rows[some], own[some], block, advance)

    def skip(count: int) -> None:
        (advance or _nobody)(count * len(base))

    index, squared = in_blocks(how.folder, len(rows), task.plan.queries, how.k, answer, skip)
    unit = queries.width // queries.parts * queries.scale
    return Neighbours(index, squared / unit)


def check_enough(base: Matrix, how: Search, without_own: bool) -> None:
    """Checks that there are as many neighbours as are asked for.

    Arguments:
        without_own: Whether the query itself is one of the rows, and does not count.

    Raises:
        BadInput: When there are fewer.
    """
    there = len(base) - without_own
    if there < how.k:
        raise BadInput(f"{how.k} neighbours were asked for, and there are {there} images.")


@dataclass(frozen=True)
class _Task:
    """What all blocks of queries share."""

    queries: Matrix
    base: Matrix
    how: Search
    plan: Plan

    @property
    def keep(self) -> int:
        return min(self.how.k + SPARE, len(self.base))


def _plan(queries: Matrix, count: int, base: Matrix, how: Search, processes: Processes) -> Plan:
    keep = min(how.k + SPARE, len(base))
    share = -(-count // processes.count)
    return plan_search(queries.width, queries.parts, keep, max(1, share), how.memory)


def _answer(
    task: _Task,
    numbers: NDArray[np.int64],
    own: NDArray[np.int64],
    block: Kept,
    advance: Advance | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """The neighbours of a block of queries, sure ones."""
    k, base = task.how.k, task.base
    index, squared, sure = _settled(task, numbers, own, task.keep, block, advance)
    if not sure.all():
        some = np.flatnonzero(~sure)
        most = max(1, task.plan.queries // _AGAIN)
        for part in np.array_split(some, -(-len(some) // most)):
            keep = min(_AGAIN * task.keep, len(base))
            found = _settled(task, numbers[part], own[part], keep, block.again(part), None)
            index[part], squared[part], sure[part] = found
    known: dict[bytes, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
    for number in np.flatnonzero(~sure):
        stored = task.queries.stored(numbers[number : number + 1])
        key = hashlib.blake2b(stored.tobytes()).digest()
        if key not in known:  # Ties without end are of blank images, and those are many.
            query = task.queries.read(stored)[0]
            known[key] = search_directly(query, base, min(k + 1, len(base)), task.plan.base)
        last, far = known[key]
        others = last != own[number]
        index[number], squared[number] = last[others][:k], far[others][:k]
    return index, squared


def _settled(
    task: _Task,
    numbers: NDArray[np.int64],
    own: NDArray[np.int64],
    keep: int,
    block: Kept,
    advance: Advance | None,
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.bool_]]:
    """The k nearest among the candidates, and for which queries nothing can be nearer."""
    values, index, error = _candidates(task, numbers, keep, block, advance)
    boundary, squared = values.max(axis=1), values
    # Where the products are exact there is nothing to measure again.
    rough = np.flatnonzero(error > 0)
    pairs = task.plan.pairs
    squared[rough] = measured(task.queries, numbers[rough], task.base, index[rough], pairs)
    squared[index == own[:, None]] = np.inf
    place = np.lexsort((index, squared))[:, : task.how.k]
    index = np.take_along_axis(index, place, 1)
    squared = np.take_along_axis(squared, place, 1)
    everything = keep >= len(task.base)
    return index, squared, everything | (squared[:, -1] < boundary - error)


def _candidates(
    task: _Task,
    numbers: NDArray[np.int64],
    keep: int,
    block: Kept,
    advance: Advance | None,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64]]:
    """Lets the base pass by: the products kept, their rows, and what they err by at most."""
    left = _left(task, numbers)
    device = task.how.device
    parts = left.split(TILE)
    tiles = [Candidates(len(part), keep, device) for part in parts]
    begin, longest = block.resume(tiles)
    (advance or _nobody)(len(left) * begin)
    room = torch.empty(3, TILE, task.plan.base, device=device)
    for row, rows in task.base.blocks(task.plan.base, begin):
        right = as_base(rows.to(device))
        longest = max(longest, float(right[:, :, -1].max()) ** 0.5)
        for tile, part in zip(tiles, parts, strict=True):
            out = room[:, : len(part), : len(right)]
            tile.offer(squared_distances(part, right, out), row)
        block.save(tiles, row + len(rows), longest)
        (advance or _nobody)(len(left) * len(rows))
    error = largest_error(left, longest, task.base.is_bytes)
    values, index = gathered(tiles)
    return values.astype(np.float64), index, error.cpu().numpy()


def _left(task: _Task, numbers: NDArray[np.int64]) -> Tensor:
    """The queries as `as_queries` writes them, a few at a time, since there are many."""
    queries, device = task.queries, task.how.device
    width = queries.width // queries.parts + 2
    left = torch.empty(len(numbers), queries.parts, width, device=device)
    for first in range(0, len(numbers), task.plan.base):
        some = slice(first, first + task.plan.base)
        left[some] = as_queries(queries.take(numbers[some]).to(device))
    return left


def _nobody(done: int) -> None:
    """Is told of progress."""
