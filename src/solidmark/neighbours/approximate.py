"""The search in lists: approximate in what it finds, exact in what it says of it.

Which rows are candidates hangs on nothing but the lists and the question: a question's distances to
the centres are computed one by one, never in blocks, so it has the same answer alone, among others
and by any number of threads. The candidates are compared by direct differences, as the exact
search does it; ties go by number.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.neighbours.building import DATA, INDEX, SIZES, made_of, read_empty
from solidmark.neighbours.direct import measured
from solidmark.neighbours.kept import Found, Kept, in_blocks
from solidmark.neighbours.lists import Lists, require_library, vectors_of
from solidmark.neighbours.matrix import Matrix, check_alike
from solidmark.neighbours.plan import plan_search
from solidmark.neighbours.search import Advance, Neighbours, Search, check_enough, search
from solidmark.runs import fingerprint

_BLOCK = 2048
"""Questions that are answered, and kept, at a time."""

_NO_BLOCKS = 2**31 - 1


@dataclass(frozen=True)
class Approximate:
    """A search among the rows of one matrix, as `search` is one.

    Arguments:
        base: The rows.
        lists: How they are laid out, and how many lists a question looks into.
    """

    base: Matrix
    lists: Lists
    _index: Any = field(repr=False)

    def __call__(
        self,
        queries: Matrix,
        base: Matrix,
        how: Search | None = None,
        *,
        rows: Int[NDArray[np.int64], " Q"] | None = None,
        own: Int[NDArray[np.int64], " Q"] | None = None,
        advance: Advance | None = None,
    ) -> Neighbours:
        """Finds near rows; arguments, answer and errors are those of `search`.

        Where the lists that are looked into hold fewer rows than are asked for, a question is
        answered by the exact search.
        """
        how = how or Search()
        check_alike(queries, base)
        check_enough(base, how, own is not None)
        rows = np.arange(len(queries)) if rows is None else rows
        own = np.full(len(rows), -1) if own is None else own
        keep = min(max(self.lists.keep, 2 * (how.k + 1)), len(base))
        plan = plan_search(queries.width, 1, keep, min(_BLOCK, max(1, len(rows))), how.memory)

        def answer(some: slice, block: Kept) -> Found:
            found = self._answer(queries, how, rows[some], own[some], keep, plan.pairs)
            told(block.stop - block.start)
            return found

        def told(count: int) -> None:
            if advance is not None:
                advance(count * len(base))

        index, squared = in_blocks(how.folder, len(rows), plan.queries, how.k, answer, told)
        return Neighbours(index, squared / queries.width)

    def _answer(
        self,
        queries: Matrix,
        how: Search,
        numbers: NDArray[np.int64],
        own: NDArray[np.int64],
        keep: int,
        pairs: int,
    ) -> Found:
        """The neighbours of some questions, and their squared distances."""
        index = self._candidates(queries.stored(numbers), keep)
        there = index >= 0
        squared = measured(queries, numbers, self.base, np.where(there, index, 0), pairs)
        squared[~there | (index == own[:, None])] = np.inf
        place = np.lexsort((index, squared))[:, : how.k]
        index = np.take_along_axis(index, place, 1)
        squared = np.take_along_axis(squared, place, 1)
        lost = np.isinf(squared[:, -1])
        if lost.any():
            itself = own[lost] if (own >= 0).any() else None
            exactly = search(
                queries, self.base, replace(how, folder=None), rows=numbers[lost], own=itself
            )
            index[lost], squared[lost] = exactly.index, exactly.squared * queries.width
        return index, squared

    def _candidates(self, vectors: NDArray[np.float32], keep: int) -> NDArray[np.int64]:
        """The best by the bytes in the lists; -1 where there are fewer."""
        import faiss

        probes = faiss.SearchParametersIVF(nprobe=min(self.lists.probes, self.lists.count))
        with _one_by_one():
            index: NDArray[np.int64] = self._index.search(vectors, keep, params=probes)[1]
        if len(index) and index.max() >= len(self.base):
            raise BadInput("The lists name vectors that there are not: they are damaged.")
        return index


def open_lists(
    folder: Path, base: Matrix, probes: int | None = None, *, whole: bool = True
) -> Approximate:
    """Opens lists where they lie: nothing is read before it is needed.

    Arguments:
        folder: That of `build_lists`.
        base: The vectors that they are of.
        probes: How many lists a question looks into; as many as they were made for when not given.
        whole: Whether the hashes of their files are checked, where nobody else has.

    Raises:
        BadInput: When they are damaged, or of other vectors, or the library is missing.
    """
    require_library()
    import faiss

    made = made_of(folder)
    for name in (INDEX, DATA, SIZES):
        path = folder / name
        if not path.is_file() or (whole and fingerprint(path) != made["files"].get(name)):
            raise BadInput(f'"{path}" is not what was written. Make the lists again.')
    if made.get("vectors") != vectors_of(base):
        raise BadInput(f'The lists in "{folder}" are of other vectors. Make them again.')
    index = read_empty(folder)
    try:
        lists = Lists(**{one.name: made[one.name] for one in fields(Lists)})
        sizes = np.load(folder / SIZES, allow_pickle=False)
    except (KeyError, TypeError, ValueError, OSError) as error:
        raise BadInput(f'The lists in "{folder}" cannot be read ({error}).') from error
    size = int(sizes.sum()) * (index.code_size + 8)
    there = (len(sizes), int(sizes.sum()), index.d, (folder / DATA).stat().st_size)
    if there != (index.nlist, len(base), base.width, size):
        raise BadInput(f'The lists in "{folder}" are not whole. Make them again.')
    stored = faiss.OnDiskInvertedLists(index.nlist, index.code_size, str(folder / DATA))
    stored.read_only, stored.totsize = True, size
    stored.prefetch_nthread = 0  # Threads that read ahead cost more than they save.
    stored.set_all_lists_sizes(faiss.swig_ptr(sizes))
    stored.do_mmap()
    index.replace_invlists(stored, True)
    stored.this.disown()
    index.ntotal = len(base)
    if probes is not None:
        lists = replace(lists, probes=probes)
    return Approximate(base, lists, index)


@contextmanager
def _one_by_one() -> Iterator[None]:
    """Within it faiss compares a question with each centre alone, whatever is asked beside it."""
    import faiss

    before = faiss.cvar.distance_compute_blas_threshold
    faiss.cvar.distance_compute_blas_threshold = _NO_BLOCKS
    try:
        yield
    finally:
        faiss.cvar.distance_compute_blas_threshold = before
