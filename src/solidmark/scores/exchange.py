"""Tests of a whole split: do the readings fit the own keys better than the keys of peers?

.. math:: p = \\frac{1 + \\#\\{b : T(\\pi_b) \\ge T\\}}{B + 1}, \\qquad
    T(\\pi) = \\sum_u A[u, \\pi(u)]

A[u, v] says how well the readings of unit u fit the key of unit v; a unit is all that shares one
key (copies, repeats). pi hands the keys of each group of peers out again at random, whole frames at
a time. A reading that is the average of a group fits all its keys alike and earns nothing; what
counts is that it fits the own key better. The p-value is exact, up to the number of draws, whatever
the readings are, as long as the model depends on the keys of a group only through what does not
change when they are handed out again.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Int

from solidmark.errors import EmptyTable
from solidmark.late import special, stats
from solidmark.runs import remark
from solidmark.scores.columns import groups, text
from solidmark.scores.groups import Estimate
from solidmark.scores.null import TIE
from solidmark.scores.peers import Pool

Fit = Float[np.ndarray, "A P"]
"""How well the readings of A units fit each of P keys; high = well."""

FIRST, DRAWS = 999, 9_999
"""So many draws; the larger number, drawn anew, where the first ones leave p at `_OPEN` or below.
A p-value below that line takes both rounds to be small, and either round alone is valid."""

MOST = 4_000_000
"""So many draws at most, for a level far below what `DRAWS` can tell: minutes for 1,000 images."""

_OPEN = 0.05
_FLOOR = 10 / (DRAWS + 1)
"""Where `DRAWS` leave a p-value at or below this, a smaller level takes more of them."""
_BLOCK = 1024
_AT_ONCE = 250 * _BLOCK
"""So many keys are handed out at a time."""


@dataclass(frozen=True)
class Block:
    """Units that exchange their keys.

    Arguments:
        distance: From each row's reading to each of the P keys, with shape (R, P), in [0, 1].
        starts: The first row of each of the A units; the rows of a unit stand together.
    """

    distance: Float[np.ndarray, "R P"] = field(repr=False)
    read: Float[np.ndarray, "R M"] = field(repr=False)
    keys: Float[np.ndarray, "P M"] = field(repr=False)
    starts: Int[np.ndarray, " A"] = field(repr=False)
    own: Int[np.ndarray, " A"] = field(repr=False)

    def of_units(self, of_rows: Float[np.ndarray, "R P"]) -> Fit:
        """The sum over the rows of each unit."""
        return np.add.reduceat(of_rows, self.starts, axis=0)


def closeness(block: Block) -> Fit:
    """How near the keys lie to the readings, standardised unit by unit over the keys of the peers.

    So each unit counts as much as any other, whether its readings lie in the middle or at an end.
    """
    distance = block.of_units(block.distance)
    lead = distance.mean(axis=1, keepdims=True) - distance
    spread = lead.std(axis=1, keepdims=True)
    return np.divide(lead, spread, out=np.zeros_like(lead), where=spread > TIE)


def hits_within(delta: float) -> Callable[[Block], Fit]:
    """How many readings lie within delta of each key."""
    return lambda block: block.of_units((block.distance <= delta + TIE).astype(float))


def products(block: Block) -> Fit:
    """The products of keys and readings, whose sum is what a correlation within groups rests on."""
    centred = block.keys - block.keys.mean(axis=0)
    return block.of_units(block.read @ centred.T)


@dataclass(frozen=True)
class Exchange:
    """The rows of one reader and split beside the keys of their peers.

    Arguments:
        key_read: The readings, with shape (N, M), in [0, 1].
        units: The name of each row's key; rows that share one (copies, repeats) are one unit.
        peers: The number of each row's group of peers.
        pools: The groups, by number.
        seed: Of the draws.
    """

    key_read: Float[np.ndarray, "N M"] = field(repr=False)
    units: pa.Array | Sequence[str] = field(repr=False)
    peers: Sequence[int] | Int[np.ndarray, " N"] = field(repr=False)
    pools: Mapping[int, Pool] = field(repr=False)
    seed: int = 0

    def tests(self, *fits: Callable[[Block], Fit], level: float = 1.0) -> list[float]:
        """The p-value of each way to fit, all from the same draws.

        Arguments:
            fits: The ways to fit.
            level: What the p-values will be compared with: they can fall below it, as far as
                `MOST` draws reach.

        Returns:
            One-sided p-values, at least 1 / (B + 1); low means that own keys fit better.
        """
        self._require_rows()
        found = self._tested(fits, FIRST)
        again = [number for number, p in enumerate(found) if p <= _OPEN]
        if again:
            sharper = self._tested([fits[number] for number in again], DRAWS)
            for number, p in zip(again, sharper, strict=True):
                found[number] = p
        draws = min(math.ceil(2 / level), MOST)
        last = [number for number, p in enumerate(found) if p <= _FLOOR]
        if last and draws > DRAWS:
            finest = self._tested([fits[number] for number in last], draws)
            for number, p in zip(last, finest, strict=True):
                found[number] = p
        return found

    def z(self, level: float = 1.0) -> Estimate:
        """All rows in one number: how much nearer the own keys lie, in standard deviations.

        Mean and variance under exchange are exact (Hoeffding, 1951); the p-value is that of
        `tests`, not of a normal law. The interval comes from the spread between units.

        Arguments:
            level: As of `tests`.

        Returns:
            z (chance 0; high means memorized) with interval and one-sided p-value; None with a note
            where no key can be exchanged.

        Raises:
            EmptyTable: When there is no row.
        """
        self._require_rows()
        total, variance = 0.0, 0.0
        own: list[float] = []
        for block in self._blocks():
            fit = closeness(block)
            mine = fit[np.arange(len(fit)), block.own]
            own += (mine - _of_the_key(fit)[block.own]).tolist()
            total += float(mine.sum())
            variance += _variance(fit)
        if all(len(part) < 2 for _, part, _, _ in self._parts()):
            return Estimate(note="No image has a peer with another key to exchange.")
        if variance <= TIE * len(own):
            # Readings that are all the same, of an average say, fit whatever is handed out alike.
            return Estimate(0.0, p_value=1.0, note="Exchanged keys fit as well as the own ones.")
        spread = float(np.sqrt(variance))
        (p,) = self.tests(closeness, level=level)
        if len(own) < 2:
            return Estimate(total / spread, p_value=p, note="An interval needs at least 2 keys.")
        width = float(stats.norm.ppf(0.975) * np.sqrt(len(own) * np.var(own, ddof=1))) / spread
        return Estimate(total / spread, total / spread - width, total / spread + width, p)

    def own_closeness(self) -> Float[np.ndarray, " A"]:
        """How near each unit's own key lies (`closeness`), in standard deviations."""
        fits = ((closeness(block), block.own) for block in self._blocks())
        return np.concatenate([fit[np.arange(len(fit)), own] for fit, own in fits])

    def log_arrangements(self) -> float:
        """The logarithm of how many ways there are to hand out the keys: p is not below their
        inverse."""
        ways = ((len(part), len(np.unique(own))) for _, part, _, own in self._parts())
        return float(
            sum(
                special.gammaln(keys + 1) - special.gammaln(keys - units + 1)
                for keys, units in ways
            )
        )

    def _require_rows(self) -> None:
        if not len(self.key_read):
            raise EmptyTable("There is no row to test. Score at least one image.")

    def _tested(self, fits: Sequence[Callable[[Block], Fit]], draws: int) -> list[float]:
        observed, drawn = np.zeros(len(fits)), np.zeros((len(fits), draws))
        done = 0
        for number, block in enumerate(self._blocks()):
            remark(f"{draws:,} draws: {done:,} of {len(self.key_read):,} rows")
            done += len(block.distance)
            tables = [fit(block) for fit in fits]
            for row, table in enumerate(tables):
                observed[row] += table[np.arange(len(block.own)), block.own].sum()
            generator = np.random.default_rng([self.seed, draws, number])
            units, places = np.arange(len(block.own)), len(block.keys)
            step = max(1, _AT_ONCE // places)
            for first in range(0, draws, step):
                last = min(first + step, draws)
                order = np.broadcast_to(np.arange(places), (last - first, places))
                handed = generator.permuted(order, axis=1)[:, : len(units)]
                handed += units * places
                for row, table in enumerate(tables):
                    drawn[row, first:last] += table.ravel().take(handed).sum(axis=1)
        # Sums are taken in one order for the own keys and in others for the draws.
        slack = TIE * np.maximum(np.abs(drawn).max(axis=1, initial=1.0), 1.0)
        at_least = (drawn >= (observed - slack)[:, None]).sum(axis=1)
        return [float((1 + count) / (draws + 1)) for count in at_least]

    def _blocks(self) -> Iterator[Block]:
        return (self._block(*part) for part in self._parts())

    def _parts(
        self,
    ) -> Iterator[tuple[Pool, Int[np.ndarray, " P"], Int[np.ndarray, " R"], Int[np.ndarray, " R"]]]:
        """The groups, large ones cut at random: exchange within parts is as exact, and as sharp.

        Yields:
            The group, which keys of it these are, the rows, and the key of each.
        """
        units = text(self.units)
        for number, rows in groups(np.asarray(self.peers)):
            pool = self.pools[number]
            order = np.arange(len(pool.units))
            if len(order) > _BLOCK:
                order = np.random.default_rng([self.seed, number]).permutation(len(order))
            parts = np.array_split(order, -(-len(order) // _BLOCK))
            part_of = np.empty(len(order), dtype=np.int64)
            for index, part in enumerate(parts):
                part_of[part] = index
            own = pool.places(units.take(pa.array(rows)))
            for index, inside in groups(part_of[own]):
                yield pool, parts[index], rows[inside], own[inside]

    def _block(
        self,
        pool: Pool,
        part: Int[np.ndarray, " P"],
        asked: Int[np.ndarray, " R"],
        own: Int[np.ndarray, " R"],
    ) -> Block:
        order = np.argsort(own, kind="stable")
        keys, read = pool.keys[part], self.key_read[asked[order]]
        distance = np.zeros((len(asked), len(part)))
        for m in range(keys.shape[1]):
            distance += np.abs(read[:, m, None] - keys[None, :, m])
        distance /= keys.shape[1]
        different, starts = np.unique(own[order], return_index=True)
        place = {whole: here for here, whole in enumerate(part.tolist())}
        places = np.array([place[whole] for whole in different.tolist()])
        return Block(distance, read, keys, starts, places)


def _of_the_key(fit: Fit) -> Float[np.ndarray, " P"]:
    """What all units give to a key, which is handed out to somebody in any case: no spread of z."""
    units, places = fit.shape
    return fit.mean(axis=0) * (units - 1) / max(places - 1, 1)


def _variance(fit: Fit) -> float:
    """Of the sum of A entries, no two of a column, for rows with mean 0 (Hoeffding, 1951)."""
    places = fit.shape[1]
    if places < 2:
        return 0.0
    squares = float((fit**2).sum())
    together = float((fit.sum(axis=0) ** 2).sum())
    return squares / places - (together - squares) / (places * (places - 1))
