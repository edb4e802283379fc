"""The rows of `scores.parquet`, typed: what was read of an image, and whom a reader names."""

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from jaxtyping import Bool, Float, Int

from solidmark.scores.columns import codes, matrix, numbers, text

AT_ONCE = 4096
"""So many rows are Python objects at a time."""

RANK = ["p_value", "distance", "id", "repeat"]
"""What rows are sorted by, the most memorized first."""

Places = Int[np.ndarray, "..."]
"""Which rows of a table."""


@dataclass(frozen=True)
class Score:
    """One row of `scores.parquet`. Numbers are None where the row failed."""

    reader: str
    split: str
    id: str
    repeat: int
    ok: bool
    note: str
    group: str | None
    key_group: str
    key: tuple[float, ...]
    key_read: tuple[float, ...] | None
    distance: float | None
    p_value: float | None
    q_value: float | None
    exposure_bits: float | None
    group_p_value: float | None = None
    group_q_value: float | None = None

    @property
    def name(self) -> tuple[str, str, str, int]:
        return self.reader, self.split, self.id, self.repeat

    @property
    def rank(self) -> tuple[float, float, str, int]:
        """Sorts the most memorized first: lowest p, then lowest distance."""
        lost = math.inf
        return (
            lost if self.p_value is None else self.p_value,
            lost if self.distance is None else self.distance,
            self.id,
            self.repeat,
        )

    def is_named(self, fdr: float) -> bool:
        """Whether its q is at most a false-discovery rate."""
        return self.ok and self.q_value is not None and self.q_value <= fdr


@dataclass(frozen=True)
class Scores:
    """The rows of a score table: columns, of which a row becomes a `Score` when it is looked at."""

    table: pa.Table = field(repr=False)

    def __len__(self) -> int:
        return len(self.table)

    def __iter__(self) -> Iterator[Score]:
        for batch in self.table.to_batches(AT_ONCE):
            yield from map(_score, batch.to_pylist())

    def rows(self, places: Places) -> list[Score]:
        """Some rows, in the order in which they are asked for."""
        return [_score(row) for row in self.table.take(pa.array(places)).to_pylist()]

    def numbers(self, name: str, places: Places) -> Float[np.ndarray, " N"]:
        """A number of each of some rows, NaN where there is none."""
        return numbers(self.table[name].take(pa.array(places)))

    def vectors(self, name: str, places: Places) -> Float[np.ndarray, "N M"]:
        """The keys of some rows, or what was read of them; rows without them are left out."""
        return matrix(self.table[name].take(pa.array(places)))

    def units(self, places: Places) -> pa.Array:
        """The name of each row's key."""
        if "key_group" not in self.table.column_names:
            return text(self.table["id"].take(pa.array(places)))
        some = self.table.select(["key_group", "id"]).take(pa.array(places))
        return pc.coalesce(text(some["key_group"]), text(some["id"]))

    @property
    def has_groups(self) -> bool:
        """Whether some image has a group."""
        known = "group" in self.table.column_names
        return known and self.table["group"].null_count < len(self.table)

    @cached_property
    def readers(self) -> list[str]:
        return sorted(pc.unique(self.table["reader"]).to_pylist())

    def where(self, reader: str, split: str) -> Places:
        """The rows of a reader and split that could be scored."""
        return np.flatnonzero(self._is("reader", reader) & self._is("split", split) & self._ok)

    def find(self, ids: Collection[str], splits: Collection[str]) -> list[Score]:
        """All rows of some images."""
        known = (("id", ids), ("split", splits))
        wanted = [pc.is_in(text(self.table[c]), value_set=text(list(some))) for c, some in known]
        return self.rows(np.flatnonzero(pc.and_(*wanted).to_numpy(zero_copy_only=False)))

    def ranked(self, places: Places, most: int | None = None) -> Places:
        """Sorts rows, the most memorized first: as `Score.rank`."""
        some = self.table.select(RANK).take(pa.array(places))
        # A number that is none stands where an empty cell does.
        for name in RANK[:2]:
            column = pa.array(numbers(some[name]), from_pandas=True)
            some = some.set_column(some.column_names.index(name), name, column)
        order = pc.sort_indices(some, sort_keys=[(name, "ascending") for name in RANK])
        return places[order.to_numpy()[:most]]

    def first(self, reader: str, split: str) -> Places:
        """The first reading of each image, ranked. The best of several would be lucky by choice."""
        rows = self.where(reader, split)
        rows = rows[np.argsort(self.numbers("repeat", rows), kind="stable")]
        _, first = np.unique(codes(self.table["id"].take(pa.array(rows)))[0], return_index=True)
        return self.ranked(rows[first])

    def repeats(self, reader: str, split: str) -> int:
        """How often images were read, where each was read as often."""
        return len(np.unique(self.numbers("repeat", self.where(reader, split))))

    def images(self, reader: str, split: str) -> "Images":
        """One row an image of a reader and split; rows that failed count nowhere."""
        rows = self.where(reader, split)
        image = codes(self.table["id"].take(pa.array(rows)))[0]
        order = np.argsort(image, kind="stable")
        _, starts = np.unique(image[order], return_index=True)
        return Images(self, rows[order], np.append(starts, len(rows)))

    def failures(self) -> list[tuple[str, str, str, int]]:
        """How many rows of which reader and split failed for which reason, most often first."""
        lost = self.table.filter(pa.array(~self._ok))
        note = pa.nulls(len(lost), pa.string())
        note = text(lost["note"]) if "note" in lost.column_names else note
        known = pa.table({"reader": lost["reader"], "split": lost["split"], "note": note})
        names = ["reader", "split", "note"]
        counted = known.group_by(names, use_threads=False).aggregate([([], "count_all")])
        found = [
            (row["reader"], row["split"], row["note"] or "", row["count_all"])
            for row in counted.to_pylist()
        ]
        return sorted(found, key=lambda one: -one[-1])

    @cached_property
    def _ok(self) -> Bool[np.ndarray, " N"]:
        return self._is("status", "ok") & self.table["distance"].is_valid().to_numpy()

    def _is(self, name: str, value: str) -> Bool[np.ndarray, " N"]:
        found = pc.fill_null(pc.equal(self.table[name], value), fill_value=False)
        return np.asarray(found.to_numpy())


@dataclass(frozen=True)
class Images:
    """One row an image: what is read of it on average over its repeats, with its p and q.

    Arguments:
        scores: The rows of a run.
        places: Which of them these are, image by image, N images.
        ends: Where the rows of each image begin among these, and the last ends.
    """

    scores: Scores = field(repr=False)
    places: Places = field(repr=False)
    ends: Places = field(repr=False)

    def __len__(self) -> int:
        return len(self.ends) - 1

    def numbers(self, name: str) -> Float[np.ndarray, " N"]:
        """A number that all rows of an image share."""
        return self.scores.numbers(name, self.places[self.ends[:-1]])

    def named(self, fdr: float) -> "Images":
        """Those whose q is at most a false-discovery rate, the lowest p first."""
        kept = self._some(np.flatnonzero(self.numbers("q_value") <= fdr))
        ids = codes(self.scores.table["id"].take(pa.array(kept.places[kept.ends[:-1]])))[0]
        p = kept.numbers("p_value")
        return kept._some(np.lexsort((ids, kept._distances(), np.where(np.isnan(p), np.inf, p))))

    def rows(self, first: int | None = None) -> Iterator[Score]:
        """The images, as many as are asked for."""
        count = len(self) if first is None else min(first, len(self))
        for start in range(0, count, AT_ONCE):
            ends = self.ends[start : min(start + AT_ONCE, count) + 1].tolist()
            rows = self.scores.rows(self.places[ends[0] : ends[-1]])
            for one, other in pairwise(ends):
                yield _average(rows[one - ends[0] : other - ends[0]])

    def _distances(self) -> Float[np.ndarray, " N"]:
        if len(self.places) == len(self):
            return self.numbers("distance")
        return np.array([score.distance for score in self.rows()])

    def _some(self, which: Places) -> "Images":
        sizes = np.diff(self.ends)[which]
        ends = np.append(0, np.cumsum(sizes))
        steps = np.arange(ends[-1]) - np.repeat(ends[:-1], sizes)
        return Images(self.scores, self.places[np.repeat(self.ends[which], sizes) + steps], ends)


def scores_of(table: pa.Table) -> Scores:
    """The rows of a score table, in its order."""
    return Scores(table)


def reasons_of(scores: Scores) -> dict[str, str]:
    """The most common reason of failure of each reader that has failures."""
    found: dict[str, Counter[str]] = {}
    for reader, _, note, count in scores.failures():
        found.setdefault(reader, Counter())[note] += count
    return {reader: counter.most_common(1)[0][0] for reader, counter in found.items()}


def _average(repeats: Sequence[Score]) -> Score:
    first = repeats[0]
    if len(repeats) == 1 or first.key_read is None:
        return first
    reads = [score.key_read for score in repeats if score.key_read is not None]
    read = tuple(sum(values) / len(values) for values in zip(*reads, strict=True))
    gaps = [abs(k - k_hat) for k, k_hat in zip(first.key, read, strict=True)]
    return replace(first, key_read=read, distance=sum(gaps) / len(gaps))


def _score(row: Mapping[str, Any]) -> Score:
    ok = row["status"] == "ok"
    read = row.get("key_read")
    return Score(
        reader=row["reader"],
        split=row["split"],
        id=row["id"],
        repeat=int(row.get("repeat") or 0),
        ok=ok and row.get("distance") is not None,
        note=row.get("note") or "",
        group=row.get("group"),
        key_group=row.get("key_group") or row["id"],
        key=tuple(row.get("key") or ()),
        key_read=tuple(read) if ok and read is not None else None,
        distance=_number(row.get("distance")),
        p_value=_number(row.get("p_value")),
        q_value=_number(row.get("q_value")),
        exposure_bits=_number(row.get("exposure_bits")),
        group_p_value=_number(row.get("group_p_value")),
        group_q_value=_number(row.get("group_q_value")),
    )


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
