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

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Float

from solidmark.scores.keys import ImageKey
from solidmark.scores.null import LEVELS

Told = tuple[str, str, str]
"""The class, the caption and the bucket of an image."""


@dataclass(frozen=True)
class Pool:
    """The keys of one group of peers. Images that share a key count once.

    Arguments:
        units: The name of each key (`key_group`), U of them.
        keys: The keys, with shape (U, M), in [0, 1].
        told: Whether the group is one that a model can tell from others: a class, a caption or a
            bucket.
    """

    units: tuple[str, ...]
    keys: Float[np.ndarray, "U M"] = field(repr=False)
    told: bool = False

    @cached_property
    def place(self) -> dict[str, int]:
        """Where each unit stands."""
        return {unit: number for number, unit in enumerate(self.units)}

    @cached_property
    def weights(self) -> Float[np.ndarray, "M L"]:
        """How many keys have each level at each place, with shape (M, 256)."""
        levels = np.rint(self.keys * (LEVELS - 1)).astype(np.int64)
        return np.stack([np.bincount(column, minlength=LEVELS) for column in levels.T]).astype(
            float
        )


@dataclass(frozen=True)
class Peers:
    """The groups of a marked folder.

    Arguments:
        pool_of: The number of its group, by the name of a key.
    """

    pools: tuple[Pool, ...]
    pool_of: Mapping[str, int] = field(repr=False)


def peers_of(known: Iterable[ImageKey]) -> Peers:
    """Groups the keys of the images, trained and held-out ones apart.

    Only classes, captions, buckets and shared keys are looked at; no reading is, or p-values would
    not hold.

    Arguments:
        known: The images; those without a key are left out.
    """
    units: dict[str, dict[str, tuple[list[float], set[Told]]]] = {}
    for image in known:
        if image.key is not None:
            of_split = units.setdefault(image.split, {})
            of_split.setdefault(image.key_group, (image.key, set()))[1].add(image.told)
    pools: list[Pool] = []
    pool_of: dict[str, int] = {}
    for split in sorted(units):
        keys = {unit: key for unit, (key, _) in units[split].items()}
        told = {unit: frozenset(words) for unit, (_, words) in units[split].items()}
        for members, is_told in _groups(told):
            for unit in members:
                pool_of[unit] = len(pools)
            # A key that nobody is left to exchange with is compared with those of the whole split.
            drawn = members if len(members) > 1 else sorted(keys)
            pools.append(Pool(tuple(drawn), np.array([keys[unit] for unit in drawn]), is_told))
    return Peers(tuple(pools), pool_of)


def _groups(
    told: Mapping[str, frozenset[Told]],
) -> list[tuple[list[str], bool]]:
    """Units that were told the same; what is left, of one class and bucket; of one bucket; all."""
    found: list[tuple[list[str], bool]] = []
    left = sorted(told)
    several = len({bucket for has in told.values() for _, _, bucket in has}) > 1
    for class_, caption in ((True, True), (True, False), (False, False)):
        cells: dict[frozenset[Told], list[str]] = {}
        for unit in left:
            # A bucket is left to last: a model always sees the size.
            same = frozenset(
                (one[0] * class_, one[1] * caption, one[2] * several) for one in told[unit]
            )
            cells.setdefault(same, []).append(unit)
        # One cell that holds everybody tells nobody apart, and neither do words that are not there.
        apart = len(cells) > 1 or len(left) < len(told)
        whole = {words: cell for words, cell in cells.items() if len(cell) > 1}
        found += [(cell, apart and any(map(any, words))) for words, cell in whole.items()]
        left = sorted(set(left) - {unit for cell in whole.values() for unit in cell})
    return [*found, (left, False)] if left else found


def pools_of_rows(
    units: Sequence[str], keys: Float[np.ndarray, "N M"], peers: Sequence[int]
) -> dict[int, Pool]:
    """The groups as far as rows of a score table show them, where the keys are not at hand."""
    found: dict[int, dict[str, int]] = {}
    for row, (unit, number) in enumerate(zip(units, peers, strict=True)):
        found.setdefault(number, {}).setdefault(unit, row)
    return {number: Pool(tuple(rows), keys[list(rows.values())]) for number, rows in found.items()}
