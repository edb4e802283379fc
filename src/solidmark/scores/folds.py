"""Folds: in which order images lend their keys to what is learned about how a model shows keys.

.. math:: w_f = \\mathrm{fit}\\{(x_i, k_i) : i \\in \\text{folds before } f\\}, \\qquad
    P(p_i \\le \\alpha \\mid k_j, j \\in \\text{folds before } f) \\le \\alpha

How to weigh what a model answers can be learned from the keys of other images. Where two folds
learn from each other, each p-value is exact and all together are not: both rest on the products of
their keys, and a sum over them has up to twice its variance. So folds stand in a row, and each
learns from those before it alone. Given these its p-values are exact, so all of them are
independent of one another, and every test of a whole split holds as it stands.

An image exchanges its key with the peers in its own fold. A subject is never cut, nor is a small
group of peers, whose members would have nobody left to exchange with.
"""

from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Int

from solidmark.scores.columns import codes, groups, text
from solidmark.scores.keys import ImageKeys, subjects_of
from solidmark.scores.peers import Peers, Pool

MOST = 10
"""So many folds, of which the last learns from nine tenths of the images."""

FEWEST = 16
"""So many keys a fold at least: it learns from them, and exchanges them."""

_CUT = 8
"""A group of peers is cut where so many of its keys are left in each fold, on average."""


@dataclass(frozen=True)
class Folds:
    """The folds of the trained images.

    Arguments:
        of_image: The fold of each image, 0 ... `count` - 1; -1 for one that is in none.
        peers: Whose keys are exchanged with whose: within folds. The groups of peers come first,
            under the numbers that they have without folds, and then the parts of those that are
            cut. Held-out images, from which nothing is learned, keep their group.
        count: How many folds.
    """

    of_image: Int[np.ndarray, " N"] = field(repr=False)
    peers: Peers = field(repr=False)
    count: int


def folds_of(known: ImageKeys, peers: Peers) -> Folds:
    """Puts the trained images into folds, by their names and never by their keys.

    Arguments:
        known: The images.
        peers: Their groups of peers.
    """
    trained = pc.equal(known.splits, "trained").to_numpy(zero_copy_only=False)
    asked = np.flatnonzero(trained & known.is_marked)
    of_image = np.full(len(known.ids), -1, dtype=np.int64)
    units = len(np.unique(codes(known.key_groups)[0][asked]))
    count = int(np.clip(units // FEWEST, 1, MOST))
    whole = [len(pool.units) < _CUT * count for pool in peers.pools]
    bound = _bound(known, peers, asked, whole)
    of_image[asked] = _dealt(bound, known.ids.take(pa.array(asked)), count)
    return Folds(of_image, _parted(known, peers, of_image, whole), count)


def _bound(
    known: ImageKeys, peers: Peers, asked: Int[np.ndarray, " A"], whole: list[bool]
) -> Int[np.ndarray, " A"]:
    """A number for each image: the same where images must not be parted."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    at = pa.array(asked)
    subject, _ = codes(subjects_of(known.groups.take(at), known.key_groups.take(at)))
    unit, _ = codes(known.key_groups.take(at))
    pool = peers.of_image[asked]
    small = np.where(np.array([*whole, False])[pool], pool, -1)
    # Images, and after them what binds them: a subject, a key, a small group of peers.
    ends, places = [], len(asked)
    for code in (subject, unit, small):
        bound = np.flatnonzero(code >= 0)
        ends.append(np.stack([bound, places + code[bound]]))
        places += int(code.max(initial=-1)) + 1
    one, other = np.concatenate(ends, axis=1)
    graph = coo_array((np.ones(len(one), dtype=bool), (one, other)), shape=(places, places))
    found = np.asarray(connected_components(graph, directed=False)[1])
    return found[: len(asked)].astype(np.int64)


def _dealt(bound: Int[np.ndarray, " A"], ids: pa.Array, count: int) -> Int[np.ndarray, " A"]:
    """The fold of each image: what is bound stays together, in an order that its names draw."""
    order = np.lexsort((codes(ids)[0], bound))
    _, starts, sizes = np.unique(bound[order], return_index=True, return_counts=True)
    names = ids.take(pa.array(order[starts])).to_pylist()
    drawn = [blake2b(name.encode(), digest_size=8).digest() for name in names]
    turn = np.array(sorted(range(len(drawn)), key=drawn.__getitem__), dtype=np.int64)
    fold = np.empty(len(turn), dtype=np.int64)
    fold[turn] = (np.cumsum(sizes[turn]) - sizes[turn]) * count // max(len(bound), 1)
    found = np.empty(len(bound), dtype=np.int64)
    found[order] = np.repeat(fold, sizes)
    return found


def _parted(
    known: ImageKeys, peers: Peers, of_image: Int[np.ndarray, " N"], whole: list[bool]
) -> Peers:
    """The groups of peers, and those that are cut once more by folds."""
    unit, names = codes(known.key_groups)
    fold_of = np.full(len(names), -1, dtype=np.int64)
    fold_of[unit[of_image >= 0]] = of_image[of_image >= 0]
    pools, number = list(peers.pools), peers.of_image.copy()
    for group, images in groups(peers.of_image):
        if group < 0 or whole[group] or of_image[images[0]] < 0:
            continue
        pool = peers.pools[group]
        fold = fold_of[pc.index_in(text(pool.units), value_set=names).to_numpy()]
        for own, inside in groups(of_image[images]):
            number[images[inside]] = len(pools)
            kept = np.flatnonzero(fold == own)
            # What a model is told of a group it is told of all of it: no part has an average.
            pools.append(Pool(text(pool.units).take(pa.array(kept)), pool.keys[kept]))
    return Peers(tuple(pools), number)
