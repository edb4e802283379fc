"""The folder of an `invmm` run, read whole: what its page is made from."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from solidmark.report.inversions.records import (
    EVIDENCE,
    OUTCOMES,
    PATHS,
    SCORES,
    Check,
    Name,
    Outcome,
    Row,
    Try,
    check_of,
    row_of,
    try_of,
)
from solidmark.report.marked import Marked, open_marked_of
from solidmark.report.opening import open_results, open_table
from solidmark.runs import read_manifest

MEASURE = "invmm"
SPLITS = ("trained", "held_out")


@dataclass(frozen=True)
class InversionsRun:
    """All files of the folder of an `invmm` run.

    Arguments:
        folder: Where it lies.
        results: `results.json`.
        manifest: `manifest.json`.
        rows: Every image, the most suspicious first, those without a score last.
        tries: Its restarts.
        paths: By split, id and repeat: the checks, in their order.
        marked: The marked folder, for captions, or why there is none.
    """

    folder: Path
    results: Mapping[str, Any]
    manifest: Mapping[str, Any]
    rows: tuple[Row, ...] = field(repr=False)
    tries: Mapping[Name, tuple[Try, ...]] = field(repr=False)
    paths: Mapping[tuple[str, str, int], tuple[Check, ...]] = field(repr=False)
    marked: Marked = field(repr=False, default_factory=Marked)

    @property
    def config(self) -> Mapping[str, Any]:
        """How it was asked, and how it was scored."""
        return self.results.get("config") or {}

    @property
    def fdr(self) -> float:
        """The false-discovery rate at which rows are named."""
        scored = self.results.get("config") or {}
        return float(scored.get("fdr") or self.config.get("fdr") or 0.05)

    @property
    def threshold(self) -> Mapping[str, Any]:
        """The similarity that is needed, and how it was found."""
        return self.results.get("threshold") or {}

    @property
    def needed(self) -> float | None:
        """The similarity that all samples of a reproduced image have (beta)."""
        value = self.threshold.get("value")
        return None if value is None else float(value)

    @property
    def excluded(self) -> Mapping[str, str]:
        """The held-out images that are a training image too, each with a note."""
        return self.results.get("excluded") or {}

    def of(self, split: str, *outcomes: Outcome) -> list[Row]:
        """The images of a split with one of these outcomes, each picture once."""
        asked = outcomes or OUTCOMES
        return [
            row
            for row in self.rows
            if row.split == split and row.status in asked and row.copy_of is None
        ]

    @cached_property
    def copies(self) -> dict[str, int]:
        """How many images of each split have the pixels of another one, and count with it."""
        return {
            split: sum(row.split == split and row.copy_of is not None for row in self.rows)
            for split in SPLITS
        }

    def find(self, statistic: str, split: str) -> dict[str, Any] | None:
        """An aggregate of InvMM; None where the results have none."""
        name = (MEASURE, statistic, split)
        for row in self.results["rows"]:
            if (row.get("measure"), row.get("statistic"), row.get("split")) == name:
                return dict(row)
        return None

    def best(self, name: Name) -> Try | None:
        """The restart that says the most of an image."""
        return min(self.tries.get(name, ()), key=lambda one: one.rank, default=None)

    def calls(self, split: str) -> list[float]:
        """The network calls of each image of a split that was tried to an end, once a picture."""
        return [row.network_calls for row in self.of(split) if row.restarts]


def open_inversions_run(folder: Path) -> InversionsRun:
    """Reads the folder of an `invmm` run.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When it is not finished, or was made by another command.
        BadInput: When a file cannot be read.
    """
    manifest = read_manifest(folder, MEASURE)
    cure = 'Run the same "solidmark invmm" again.'
    scores, evidence, checks = (
        open_table(folder, f"{name}.parquet", cure, columns).to_pylist()
        for name, columns in (("scores", SCORES), ("evidence", EVIDENCE), ("paths", PATHS))
    )
    rows = [row_of(found) for found in scores]
    tries: dict[Name, list[Try]] = {}
    for found in evidence:
        tries.setdefault((found["split"], found["id"]), []).append(try_of(found))
    paths: dict[tuple[str, str, int], list[Check]] = {}
    for found in checks:
        name = found["split"], found["id"], int(found["repeat"] or 0)
        paths.setdefault(name, []).append(check_of(found))
    return InversionsRun(
        folder,
        open_results(folder, cure),
        manifest,
        tuple(sorted(rows, key=_most_suspicious)),
        {name: tuple(sorted(some, key=lambda t: t.repeat)) for name, some in tries.items()},
        {name: tuple(sorted(some, key=lambda c: c.step)) for name, some in paths.items()},
        open_marked_of(folder, _with_marked(manifest)),
    )


def _with_marked(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The manifest, with the images that were asked about as the marked folder they may be."""
    config = dict(manifest.get("config") or {})
    return {**manifest, "config": {"marked": config.get("images"), **config}}


def _most_suspicious(row: Row) -> tuple[bool, float, str, str]:
    return not row.is_scored, math.inf if row.score is None else row.score, row.split, row.id
