"""An audit folder, read whole: what the page is made from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.report.marked import Marked, open_marked
from solidmark.report.opening import open_json, open_results, verdict_in
from solidmark.report.roundtrip import RoundTrip, open_round_trip
from solidmark.runs import Verdict, read_ours, read_table
from solidmark.scores import SCORES
from solidmark.scores.scored import Score, images_of, scores_of
from solidmark.verdicts.readers import ORDER

FDR = 0.05
"""The false-discovery rate of results that name none."""


_ONE_ROW = ("reader", "split", "id", "repeat")
"""What tells the rows of an audit apart."""
_NEEDED = (*_ONE_ROW, "status", "key", "key_read", "distance", "p_value", "q_value")
"""Columns that scores of every age have."""


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
        verdict: What it has come to, which stands there.
        manifest: `manifest.json`.
        calibration: `calibration.json`, empty when it is not there.
        scores: The rows of `scores.parquet`, in the order of the file.
        answers: The rows of `evidence.parquet` by reader, split, id and repeat.
        marked: The marked folder, or why it cannot be used.
        round_trip: What the autoencoder does to greys; None for a model of pixels.
    """

    folder: Path
    results: dict[str, Any]
    verdict: Verdict
    manifest: dict[str, Any]
    calibration: dict[str, Any]
    scores: list[Score]
    answers: dict[tuple[str, str, str, int], Answer]
    marked: Marked = field(default_factory=Marked)
    round_trip: RoundTrip | None = None

    @property
    def readers(self) -> list[str]:
        """The readers of this run, the default one first."""
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
        return images_of(self.scores, reader, split)


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
    scores = scores_of(table)
    keys = {score.id: score.key for score in scores if score.key}
    marked = open_marked(folder, manifest, keys)
    answers, round_trip = _answers(folder), open_round_trip(folder)
    verdict = verdict_in(folder, results)
    about = (folder, results, verdict, manifest, calibration)
    return Audit(*about, scores, answers, marked, round_trip)


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
