"""Which search is asked: the exact one, or one in lists that are laid out for it."""

from pathlib import Path
from typing import Protocol

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from solidmark.cards.asked import Way
from solidmark.neighbours.approximate import open_lists
from solidmark.neighbours.building import build_lists
from solidmark.neighbours.lists import Lists, in_lists
from solidmark.neighbours.matrix import Matrix
from solidmark.neighbours.search import Advance, Neighbours, Search, search


class Finder(Protocol):
    """A search: `search` itself, or an `Approximate`."""

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
        """The near rows of `base`, with their exact distances."""
        ...


def finder_of(
    base: Matrix, way: Way, folder: Path, title: str = "vectors", lists: Lists | None = None
) -> Finder:
    """The search among the rows of a matrix.

    Arguments:
        way: `exact`; `approximate`, in lists; or `auto`, in lists from a million vectors on.
        folder: Where lists are laid out; those of the same vectors that lie there are used.
        title: What is laid out, for the progress.
        lists: Other lists than those for so many vectors.

    Raises:
        BadInput: When the library is missing.
    """
    if not in_lists(base, way):
        return search
    build_lists(base, lists or Lists.of(len(base)), folder, title)
    return open_lists(folder, base, whole=False)
