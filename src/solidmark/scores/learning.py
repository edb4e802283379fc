"""Which rows are read with learned weights, and with whom they then exchange keys."""

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int

from solidmark.errors import BadInput
from solidmark.scores.columns import codes, groups, text
from solidmark.scores.folds import Folds, folds_of
from solidmark.scores.keys import ImageKeys
from solidmark.scores.learned import learn_in_order
from solidmark.scores.null import LEVELS
from solidmark.scores.peers import Peers, Pool

FEATURES = "features"
"""The column of evidence from which weights are learned."""


@dataclass(frozen=True)
class Read:
    """What is read of N rows.

    Arguments:
        values: The estimates, with shape (N, M): in [0, 1] where nothing is learned, else round
            1/2 and as spread as keys are.
        rho: How far they agree with the keys that they were learned from, with shape (N), in
            [0, 1]; NaN where nothing is learned.
        peers: The number of each row's group of peers.
        pools: These groups.
    """

    values: Float[np.ndarray, "N M"] = field(repr=False)
    rho: Float[np.ndarray, " N"] = field(repr=False)
    peers: Int[np.ndarray, " N"] = field(repr=False)
    pools: tuple[Pool, ...] = field(repr=False)

    @property
    def learns(self) -> Bool[np.ndarray, " N"]:
        """Which rows are read with learned weights."""
        return ~np.isnan(self.rho)

    @property
    def in_range(self) -> Float[np.ndarray, "N M"]:
        """The estimates as greys: what was learned may lie outside of [0, 1]."""
        return np.where(self.learns[:, None], self.values.clip(0, 1), self.values)


def read_rows(
    table: pa.Table,
    values: Float[np.ndarray, "N M"],
    levels: Int[np.ndarray, "N M"],
    place: Int[np.ndarray, " N"],
    known: ImageKeys,
    peers: Peers,
) -> Read:
    """Learns, reader by reader, where a reader keeps features.

    The ideal memorizer of the split `ceiling` is another model, and is learned by itself.

    Arguments:
        table: The evidence.
        values: The plain readings.
        levels: The keys, in 0 ... 255.
        place: Where the images stand among those that are known.

    Raises:
        BadInput: When rows of one reader have different numbers of features.
    """
    rho = np.full(len(values), np.nan)
    plain = Read(values, rho, peers.of_image[place], peers.pools)
    if FEATURES not in table.column_names or table[FEATURES].null_count == len(table):
        return plain
    folds = folds_of(known, peers)
    found = Read(values.copy(), rho, plain.peers.copy(), folds.peers.pools)
    kept = table[FEATURES].is_valid().to_numpy()
    ideal = pc.equal(text(table["split"]), "ceiling").to_numpy(zero_copy_only=False)
    for _, rows in groups(np.where(kept, 2 * codes(table["reader"])[0] + ideal, -1)):
        if kept[rows[0]]:
            _learn(found, rows, table, levels, place, folds)
    return found


def _learn(
    found: Read,
    rows: Int[np.ndarray, " n"],
    table: pa.Table,
    levels: Int[np.ndarray, "N M"],
    place: Int[np.ndarray, " N"],
    folds: Folds,
) -> None:
    """Reads some rows, which are those of one reader and one model."""
    # In the order of their names: whatever that of the table, sums are taken in the same one.
    rows = rows[np.argsort(codes(table["id"].take(pa.array(rows)))[0], kind="stable")]
    some = table.select(["id", FEATURES]).take(pa.array(rows))
    lengths = pc.list_value_length(some[FEATURES]).to_numpy()
    keys = levels.shape[1]
    if (lengths != lengths[0]).any() or lengths[0] % keys:
        row = int(np.argmax(lengths != lengths[0]))
        raise BadInput(
            f'The image "{some["id"][row].as_py()}" has {lengths[row]} features of {keys} keys, '
            f'and "{some["id"][0].as_py()}" {lengths[0]}. Observe again.'
        )
    features = some[FEATURES].combine_chunks().flatten().to_numpy().reshape(len(rows), keys, -1)
    learned = learn_in_order(
        found.values[rows], features, levels[rows] / (LEVELS - 1), folds.of_image[place[rows]]
    )
    found.values[rows], found.rho[rows] = 0.5 + learned.reading, learned.rho
    found.peers[rows] = folds.peers.of_image[place[rows]]


def pools_of_keys(known: ImageKeys, peers: Peers, asked: Int[np.ndarray, " N"]) -> dict[int, Pool]:
    """The groups of peers by number, with those of the folds where rows of a table have them.

    Arguments:
        known: The images.
        peers: Their groups of peers.
        asked: The groups of the rows.
    """
    within = len(asked) == 0 or int(asked.max()) < len(peers.pools)
    pools = peers.pools if within else folds_of(known, peers).peers.pools
    return dict(enumerate(pools))
