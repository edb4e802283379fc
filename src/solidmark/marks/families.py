"""The images that must stay together, by being copies or by the user's groups; the draw of some.

Which are drawn is a function of the seed and of the smallest id of each family.
"""

from dataclasses import dataclass, field

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from solidmark.marks.facts import Facts
from solidmark.randomness import uniform


@dataclass(frozen=True)
class Families:
    """The families of images that are sorted by id.

    Arguments:
        label: The family of each image.
        first: The first image of each family, that with the smallest id.
        sizes: How many images each has.
        copies: The number of each image's copies' group.
    """

    label: NDArray[np.int64] = field(repr=False)
    first: NDArray[np.int64] = field(repr=False)
    sizes: NDArray[np.int64] = field(repr=False)
    copies: NDArray[np.int64] = field(repr=False)

    @classmethod
    def of(cls, known: Facts) -> "Families":
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        count = len(known)
        copies = pc.dictionary_encode(known.duplicate_group).indices.to_numpy().astype(np.int64)
        groups = known.groups.codes.copy()
        if "" in known.groups.texts:  # Who has an empty one has none.
            groups[groups == known.groups.texts.index("")] = -1
        ties = [_ties(copies), _ties(groups)]
        one, two = (np.concatenate(some) for some in zip(*ties, strict=True))
        graph = coo_array((np.ones(len(one), dtype=bool), (one, two)), shape=(count, count))
        _, found = connected_components(graph, directed=False)
        _, first, label, sizes = np.unique(
            found, return_index=True, return_inverse=True, return_counts=True
        )
        return cls(label, first, sizes, copies)

    def draw(
        self, known: Facts, left: NDArray[np.bool_], share: float, seed: int, purpose: str
    ) -> NDArray[np.bool_]:
        """Draws whole families, in an order that the seed gives, until the share is reached.

        Arguments:
            known: The images.
            left: Which families may be drawn.
            share: Of the images of these.
            purpose: What they are drawn for.

        Returns:
            Which families are drawn.
        """
        drawn = np.zeros(len(self.first), dtype=bool)
        if share == 0:
            return drawn
        if share == 1:
            return left.copy()
        some = np.flatnonzero(left)
        wanted, taken = round(share * int(self.sizes[some].sum())), 0
        names = (str(known.ids[int(place)].as_py()) for place in self.first[some])
        luck = np.fromiter((uniform(seed, purpose, name) for name in names), float, len(some))
        for family in some[np.lexsort((self.first[some], luck))]:
            if taken + int(self.sizes[family]) <= wanted:
                taken += int(self.sizes[family])
                drawn[family] = True
        if not taken and len(some) > 1:
            drawn[some[np.lexsort((self.first[some], self.sizes[some]))[0]]] = True
        return drawn

    def all_alike(self, known: Facts, among: NDArray[np.bool_]) -> str | None:
        """What makes all images of some families one; None where they are several."""
        if among.sum() > 1:
            return None
        mine = among[self.label]
        count = int(mine.sum())
        if len(np.unique(self.copies[mine])) == 1:
            return f"{count:,} images are copies of one,"
        if len(np.unique(known.groups.codes[mine])) == 1:
            return f"{count:,} images are of one group,"
        return f"{count:,} images are tied together by their groups and by being copies,"


def _ties(codes: NDArray[np.integer]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each image that has a code beside the first that has it."""
    some = np.flatnonzero(codes >= 0)
    _, first, inverse = np.unique(codes[some], return_index=True, return_inverse=True)
    return some, some[first][inverse]
