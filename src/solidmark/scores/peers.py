"""Peers: the images whose keys an image's own key is exchanged with.

A key is drawn independently of everything, but the model is trained on it: any average over the
training set contains it. So "the model knows nothing of the pairing" does not mean that reading and
key are independent. What it does mean: given which greys stand in a group of images, every way of
handing them out to these images is equally probable, as long as the model depends on them only
through what is the same for all these ways: means, variances, any law of the greys at one place of
the frame. That is the null of all tests here:

.. math:: P(L_s = l) = \\frac{\\#\\{j \\in g(i) : k_{j,s} = l\\}}{\\#g(i)}

for the key of one image, place by place (`Pool.weights`), and whole frames exchanged among the
images of a group for tests of all images together (`exchange.py`).

The groups are what a model can be told apart from other groups: images of one class, one caption
and one bucket, since it sees the size of what it is asked about and may know averages of each size.
Images that share that with nobody are peers of the others of their class and bucket, or else of
their bucket, or else of all that are left.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Float, Int

from solidmark.scores.columns import codes, groups, text
from solidmark.scores.keys import ImageKeys
from solidmark.scores.null import LEVELS

_TOLD = ((True, True), (True, False), (False, False))
"""Whether class and caption tell images apart: first both, then the class, then neither."""


@dataclass(frozen=True)
class Pool:
    """The keys of one group of peers. Images that share a key count once.

    Arguments:
        units: The name of each key (`key_group`), U of them.
        keys: The keys, with shape (U, M), in [0, 1].
        told: Whether the group is one that a model can tell from others: a class, a caption or a
            bucket.
    """

    units: pa.Array | Sequence[str] = field(repr=False)
    keys: Float[np.ndarray, "U M"] = field(repr=False)
    told: bool = False

    def places(self, units: pa.Array) -> Int[np.ndarray, " A"]:
        """Where some units stand."""
        return np.asarray(pc.index_in(units, value_set=text(self.units)).to_numpy())

    @cached_property
    def weights(self) -> Float[np.ndarray, "M L"]:
        """How many keys have each level at each place, with shape (M, 256)."""
        levels = np.rint(self.keys * (LEVELS - 1)).astype(np.uint8)
        return np.stack([np.bincount(column, minlength=LEVELS) for column in levels.T]).astype(
            float
        )


@dataclass(frozen=True)
class Peers:
    """The groups of a marked folder.

    Arguments:
        of_image: The number of its group, an image; -1 for one without a key.
    """

    pools: tuple[Pool, ...]
    of_image: Int[np.ndarray, " N"] = field(repr=False)


def peers_of(known: ImageKeys) -> Peers:
    """Groups the keys of the images, trained and held-out ones apart.

    Only classes, captions, buckets and shared keys are looked at; no reading is, or p-values would
    not hold.

    Arguments:
        known: The images; those without a key are left out.
    """
    every, names = codes(known.key_groups)
    split_of, splits = codes(known.splits)
    of_image = np.full(len(every), -1, dtype=np.int64)
    pools: list[Pool] = []
    for split in range(len(splits)):
        asked = np.flatnonzero(known.is_marked & (split_of == split))
        own, first, unit = np.unique(every[asked], return_index=True, return_inverse=True)
        keys = known.levels[asked[first]]
        pool_of = np.empty(len(own), dtype=np.int64)
        for members, is_told in _groups(unit.reshape(-1), known.told[asked], len(own)):
            pool_of[members] = len(pools)
            # A key that nobody is left to exchange with is compared with those of the whole split.
            drawn = members if len(members) > 1 else np.arange(len(own))
            named = names.take(pa.array(own[drawn]))
            pools.append(Pool(named, keys[drawn] / (LEVELS - 1), is_told))
        of_image[asked] = pool_of[unit.reshape(-1)]
    return Peers(tuple(pools), of_image)


def _groups(
    unit: Int[np.ndarray, " A"], told: Int[np.ndarray, "A 3"], count: int
) -> Iterator[tuple[Int[np.ndarray, " u"], bool]]:
    """Units that were told the same; what is left, of one class and bucket; of one bucket; all.

    Arguments:
        unit: The unit of each image.
        told: The words of each image.
        count: How many units there are.

    Yields:
        The units of a group, and whether a model can be told the group.
    """
    several = len(np.unique(told[:, 2])) > 1
    left = np.arange(count)
    for kept in _TOLD:
        # A bucket is left to last: a model always sees the size.
        words = told * np.array([*kept, several])
        cell = _cells(unit, words, count)
        said = np.zeros(count, dtype=bool)
        said[unit[(words > 0).any(axis=1)]] = True
        order = np.argsort(cell[left], kind="stable")
        _, starts, sizes = np.unique(cell[left][order], return_index=True, return_counts=True)
        # One cell that holds everybody tells nobody apart, and neither do words that are not there.
        apart = len(starts) > 1 or len(left) < count
        whole = sizes > 1
        cells = [
            left[order[start : start + size]]
            for start, size in zip(starts[whole].tolist(), sizes[whole].tolist(), strict=True)
        ]
        for members in sorted(cells, key=lambda members: int(members[0])):
            yield members, apart and bool(said[members[0]])
        left = np.sort(left[order[starts[~whole]]])
    if len(left):
        yield left, False


def _cells(
    unit: Int[np.ndarray, " A"], words: Int[np.ndarray, "A 3"], count: int
) -> Int[np.ndarray, " U"]:
    """A number for each unit: units have the same where their images were told the same words."""
    same = np.zeros(len(unit), dtype=np.int64)
    for column in words.T:
        _, same = np.unique(same * (column.max(initial=0) + 1) + column, return_inverse=True)
        same = same.reshape(-1)
    most = int(same.max(initial=0)) + 1
    pairs = np.unique(unit * most + same)
    of_unit, word = pairs // most, pairs % most
    times = np.bincount(of_unit, minlength=count)
    cell = np.empty(count, dtype=np.int64)
    cell[of_unit] = word
    # Copies of one image may have several captions: then it is the set of them that counts.
    sets: dict[tuple[int, ...], int] = {}
    starts = np.cumsum(times) - times
    for one in np.flatnonzero(times > 1).tolist():
        said = tuple(word[starts[one] : starts[one] + times[one]].tolist())
        cell[one] = sets.setdefault(said, most + len(sets))
    return cell


def pools_of_rows(
    units: pa.Array | Sequence[str],
    keys: Float[np.ndarray, "N M"],
    peers: Sequence[int] | Int[np.ndarray, " N"],
) -> dict[int, Pool]:
    """The groups as far as rows of a score table show them, where the keys are not at hand."""
    unit, names = codes(units)
    found = {}
    for number, rows in groups(np.asarray(peers)):
        _, first = np.unique(unit[rows], return_index=True)
        rows = rows[np.sort(first)]
        found[number] = Pool(names.take(pa.array(unit[rows])), keys[rows])
    return found
