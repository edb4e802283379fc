"""The rows of `scores.parquet`, typed: what was read of an image, and whom a reader names."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa


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


def scores_of(table: pa.Table) -> list[Score]:
    """The rows of a score table, in its order."""
    return [_score(row) for row in table.to_pylist()]


def images_of(scores: Iterable[Score], reader: str, split: str) -> list[Score]:
    """One row an image: what is read of it on average over its repeats, with its p and q.

    Arguments:
        scores: The rows of a run; those that failed count nowhere.
        reader: Which reader.
        split: Which split.
    """
    rows: dict[str, list[Score]] = {}
    for score in scores:
        if (score.reader, score.split) == (reader, split) and score.ok:
            rows.setdefault(score.id, []).append(score)
    return [_average(repeats) for repeats in rows.values()]


def named_of(scores: Iterable[Score], reader: str, split: str, fdr: float) -> list[Score]:
    """The images whose q is at most a false-discovery rate, the lowest p first."""
    found = [score for score in images_of(scores, reader, split) if score.is_named(fdr)]
    return sorted(found, key=lambda score: score.rank)


def reasons_of(scores: Iterable[Score]) -> dict[str, str]:
    """The most common reason of failure of each reader that has failures."""
    found: dict[str, Counter[str]] = {}
    for score in scores:
        if not score.ok:
            found.setdefault(score.reader, Counter())[score.note] += 1
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
