"""An audit folder, read whole: what the page is made from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from solidmark.report.marked import Marked, open_marked
from solidmark.report.opening import open_json, open_results
from solidmark.report.roundtrip import RoundTrip, open_round_trip
from solidmark.runs import read_ours, read_table
from solidmark.scores import SCORES

FDR = 0.05
"""The false-discovery rate of results that name none."""


_ONE_ROW = ("reader", "split", "id", "repeat")
"""What tells the rows of an audit apart."""
_NEEDED = (*_ONE_ROW, "status", "key", "key_read", "distance", "p_value", "q_value")
"""Columns that scores of every age have."""


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


@dataclass(frozen=True)
class Answer:
    """What the page needs of one row of `evidence.parquet`."""

    candidates: tuple[float, ...] = ()
    energies: tuple[float, ...] = ()
    picture: str | None = None
    path: tuple[float, ...] = ()


@dataclass(frozen=True)
class Audit:
    """All files of an audit folder.

    Arguments:
        folder: Where it lies.
        results: `results.json`.
        manifest: `manifest.json`.
        calibration: `calibration.json`, empty when it is not there.
        scores: The rows of `scores.parquet`, in the order of the file.
        answers: The rows of `evidence.parquet` by reader, split, id and repeat.
        marked: The marked folder, or why it cannot be used.
        round_trip: What the autoencoder does to greys; None for a model of pixels.
    """

    folder: Path
    results: dict[str, Any]
    manifest: dict[str, Any]
    calibration: dict[str, Any]
    scores: list[Score]
    answers: dict[tuple[str, str, str, int], Answer]
    marked: Marked = field(default_factory=Marked)
    round_trip: RoundTrip | None = None

    @property
    def readers(self) -> list[str]:
        """The readers of this run, the default one first."""
        from solidmark.report.words import ORDER

        found = {row["reader"] for row in self.rows} | {score.reader for score in self.scores}
        return sorted(found, key=lambda r: (ORDER.index(r) if r in ORDER else len(ORDER), r))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The aggregates of `results.json`."""
        return [row for row in self.results["rows"] if row.get("reader")]

    @property
    def fdr(self) -> float:
        """The false-discovery rate at which rows are named, in (0, 1]."""
        config = self.results.get("config")
        chosen = config.get("fdr") if isinstance(config, dict) else None
        return float(chosen) if isinstance(chosen, int | float) and 0 < chosen <= 1 else FDR

    def of(self, reader: str, split: str) -> list[Score]:
        """The rows that could be scored."""
        return [s for s in self.scores if s.reader == reader and s.split == split and s.ok]

    def images(self, reader: str, split: str) -> list[Score]:
        """One row an image: what is read of it on average over its repeats, with its p and q."""
        rows: dict[str, list[Score]] = {}
        for score in self.of(reader, split):
            rows.setdefault(score.id, []).append(score)
        return [_average(repeats) for repeats in rows.values()]


def _average(repeats: Sequence[Score]) -> Score:
    first = repeats[0]
    if len(repeats) == 1 or first.key_read is None:
        return first
    reads = [score.key_read for score in repeats if score.key_read is not None]
    read = tuple(sum(values) / len(values) for values in zip(*reads, strict=True))
    gaps = [abs(k - k_hat) for k, k_hat in zip(first.key, read, strict=True)]
    return replace(first, key_read=read, distance=sum(gaps) / len(gaps))


def open_audit(folder: Path) -> Audit:
    """Reads an audit folder.

    Raises:
        NotFound: When a file that every audit has is missing.
        BadInput: When one cannot be read.
    """
    unfinished = (
        'It is not a finished audit: "solidmark audit" makes one, and "solidmark score" makes its '
        "tables again."
    )
    results = open_results(folder, unfinished)
    manifest = open_json(folder, "manifest.json", unfinished)
    optional = folder / "calibration.json"
    again = 'Remove it, then run the same "solidmark audit" again.'
    calibration = read_ours(optional, again) if optional.is_file() else {}
    calibration.pop("version", None)
    scored = f'"solidmark score {folder}" makes it again.'
    needed = {name: SCORES.field(name).type for name in _NEEDED}
    table = read_table(folder / "scores.parquet", needed, scored, once=_ONE_ROW)
    scores = [_score(row) for row in table.to_pylist()]
    keys = {score.id: score.key for score in scores if score.key}
    marked = open_marked(folder, manifest, keys)
    answers, round_trip = _answers(folder), open_round_trip(folder)
    return Audit(folder, results, manifest, calibration, scores, answers, marked, round_trip)


def _answers(folder: Path) -> dict[tuple[str, str, str, int], Answer]:
    if not (folder / "evidence.parquet").is_file():
        return {}
    again = 'Run the same "solidmark audit" again.'
    return {
        (row["reader"], row["split"], row["id"], int(row["repeat"] or 0)): Answer(
            tuple(row.get("candidates") or ()),
            tuple(row.get("energies") or ()),
            row.get("picture"),
            tuple(row.get("path") or ()),
        )
        for row in read_table(
            folder / "evidence.parquet", _ONE_ROW, again, once=_ONE_ROW
        ).to_pylist()
    }


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
    )


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)
