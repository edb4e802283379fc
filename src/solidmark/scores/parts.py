"""A score table by reader and split, and the figures that are made of such a part."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as types
from jaxtyping import Float, Int

from solidmark.runs import Figure
from solidmark.scores.columns import codes, groups, matrix, numbers, text
from solidmark.scores.exchange import Exchange
from solidmark.scores.groups import Estimate
from solidmark.scores.keys import subjects_of
from solidmark.scores.peers import Pool, pools_of_rows
from solidmark.scores.statistics import Statistic
from solidmark.scores.subjects import SUBJECTS

_FELL_BACK = 'This reader keeps no energies: its p-values are those of "{}".'
_ORDER = tuple((name, "ascending") for name in ("reader", "split", "id", "repeat"))


@dataclass(frozen=True)
class Part:
    """The scored rows of one reader and split, sorted by id and repeat.

    Arguments:
        failed: The rows that could not be scored; they are not among the rows.
        lost: The images of which no row could be scored.
        seed: For what has to be drawn.
        fell_back: Whether another statistic was asked for, which this reader has not the means of.
        table: The score table.
        rows: Which rows of it these are.
        read: The readings, where they are not those of the rows.
    """

    reader: str
    split: str
    failed: int
    lost: int
    seed: int
    statistic: Statistic
    fell_back: bool
    table: pa.Table = field(repr=False)
    rows: Int[np.ndarray, " N"] = field(repr=False)
    read: Float[np.ndarray, "N M"] | None = field(default=None, repr=False)

    @property
    def n(self) -> int:
        return len(self.rows)

    @cached_property
    def units(self) -> pa.Array:
        """The name of each row's key: rows that share one are not independent."""
        return text(self.table["key_group"].take(pa.array(self.rows)))

    @cached_property
    def key_groups(self) -> Int[np.ndarray, " N"]:
        """The same as numbers."""
        return codes(self.units)[0]

    @property
    def peers(self) -> Int[np.ndarray, " N"]:
        """The number of each row's group of peers."""
        return self.numbers("peers").astype(np.int64)

    @property
    def has_subjects(self) -> bool:
        """Whether images have groups."""
        return all(name in self.table.column_names for name in SUBJECTS.names)

    @cached_property
    def subjects(self) -> Int[np.ndarray, " N"]:
        """Whom each row shows, by a number; as independent as anything here is."""
        group = text(self.table["group"].take(pa.array(self.rows)))
        return codes(subjects_of(group, self.units))[0]

    @property
    def keys(self) -> int | None:
        """How many keys an image has."""
        return len(self.table["key"][int(self.rows[0])]) if self.n else None

    @property
    def independent(self) -> int:
        """How many different keys its rows have."""
        return len(np.unique(self.key_groups))

    @property
    def once(self) -> "Part":
        """One row an image: p-values are those of images, however often each is asked.

        Its `key_read` is the mean over the repeats, and it is failed where every repeat is.
        """
        image, names = codes(self.table["id"].take(pa.array(self.rows)))
        if len(names) == self.n:
            return replace(self, failed=self.lost)
        places = [places for _, places in groups(image)]
        read = self.numbers("key_read")
        means = np.stack([read[some].mean(axis=0) for some in places])
        first = self.rows[[some[0] for some in places]]
        return replace(self, rows=first, read=means, failed=self.lost)

    def exchange(self, pools: Mapping[int, Pool] | None) -> Exchange:
        """Its rows beside the keys of their peers.

        Arguments:
            pools: The groups of peers; as far as the rows show them when None.
        """
        if pools is None:
            pools = pools_of_rows(self.units, self.numbers("key"), self.peers)
        return Exchange(self.numbers("key_read"), self.units, self.peers, pools, self.seed)

    def numbers(self, name: str) -> Float[np.ndarray, "..."]:
        if name == "key_read" and self.read is not None:
            return self.read
        column = self.table[name].take(pa.array(self.rows))
        return matrix(column) if types.is_list(column.type) else numbers(column)


def parts_of(scores: pa.Table, asked: Statistic, seed: int) -> dict[tuple[str, str], Part]:
    """Takes a score table apart by reader and split, whatever the order of its rows."""
    order = pc.sort_indices(
        scores.select([name for name, _ in _ORDER]), sort_keys=_ORDER
    ).to_numpy()
    reader_of, readers = codes(scores["reader"])
    split_of, splits = codes(scores["split"])
    scored = pc.equal(scores["status"], "ok").to_numpy()[order]
    part_of = (reader_of * len(splits) + split_of)[order]
    parts = {}
    for number, places in groups(part_of):
        reader = readers[number // len(splits)].as_py()
        split = splits[number % len(splits)].as_py()
        every, rows = order[places], order[places[scored[places]]]
        used = scores["statistic"].take(pa.array(order[reader_of[order] == number // len(splits)]))
        known = pc.unique(used.drop_null()).to_pylist()
        statistic = known[-1] if known else asked
        images, some = (
            pc.count_distinct(scores["id"].take(pa.array(these))).as_py() for these in (every, rows)
        )
        # A reader's draws do not depend on which other readers stand in the table.
        part_seed = crc32(f"{seed}:{reader}:{split}".encode())
        parts[reader, split] = Part(
            reader,
            split,
            len(every) - len(rows),
            images - some,
            part_seed,
            statistic,
            asked == "energy" and statistic != asked,
            scores,
            rows,
        )
    return parts


def result_row(
    part: Part,
    statistic: str,
    unit: str,
    estimate: Estimate,
    chance: float | None,
    *,
    ranked: bool = False,
    **more: Any,
) -> Figure:
    """A figure of one reader and split.

    Arguments:
        chance: What is to be expected of a model that knows no key.
        ranked: Whether it is made of p-values, so that it matters what these rank.
        more: Other fields of `Figure`, or others than those of the part.
    """
    fell_back = _FELL_BACK.format(part.statistic) if part.fell_back and ranked else None
    about: dict[str, Any] = {
        "split": part.split,
        "n": part.n,
        "failed": part.failed,
        "direction": "high",
        "note": " ".join(filter(None, (estimate.note, fell_back))) or None,
    }
    return Figure(
        measure="solidmark",
        reader=part.reader,
        statistic=statistic,
        keys=part.keys,
        value=estimate.value,
        unit=unit,
        chance=chance,
        ci_low=estimate.ci_low,
        ci_high=estimate.ci_high,
        p_value=estimate.p_value,
        **(about | more),
    )


def plain(row: dict[str, Any]) -> dict[str, Any]:
    """Python's own numbers only, so that the row can be written as JSON and read anywhere."""
    return {
        name: value.item() if isinstance(value, np.generic) else value
        for name, value in row.items()
    }
