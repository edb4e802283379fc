"""The folder of a `nearest` run, read whole: what its page is made from."""

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.report.control import control_in
from solidmark.report.opening import open_json, open_pictures, open_results, open_table
from solidmark.report.pairs.words import Measure, measure_of
from solidmark.report.pictures import Picture, embed
from solidmark.scores.content import LOW_CONTENT
from solidmark.scores.control import Control

LARGEST = 144
"""The longer side of a picture in the page, in pixels."""

SIDES = {
    "generated": ("generated", "training"),
    "null": ("held_out", "training"),
    "trained": ("training", "generated"),
    "held_out": ("held_out", "generated"),
}
"""For each split, whose pictures its rows are about, and among whom their nearest are."""

_COLUMNS = {
    "scores.parquet": ("p_value", "q_value", "caption"),
    "null.parquet": ("copy_of",),
    "images.parquet": ("split", "p_value", "q_value", "copy_of"),
}
_ALWAYS = ("measure", "id", "nearest", "distance", "similarity", "raw", "contrast")
_STATE = ("status", "note")


@dataclass(frozen=True)
class Row:
    """An image and its nearest on the other side. Numbers are None where there are none."""

    measure: str
    split: str
    id: str
    nearest: str
    distance: float | None
    similarity: float | None
    raw: float | None
    contrast: float | None
    p_value: float | None
    q_value: float | None
    status: str
    note: str
    caption: str

    @property
    def is_low_content(self) -> bool:
        return content_of(self.contrast) == "low"

    def is_named(self, fdr: float) -> bool:
        """Whether its q is at most the chosen false-discovery rate."""
        return self.status == "ok" and self.q_value is not None and self.q_value <= fdr


@dataclass(frozen=True)
class NearestRun:
    """All files of the folder of a `nearest` run.

    Arguments:
        folder: Where it lies.
        results: `results.json`.
        manifest: `manifest.json`.
        tables: The rows of each measure and split, the closest first, those without a distance
            last.
        pictures: By side and id, where the picture lies below the folder.
    """

    folder: Path
    results: Mapping[str, Any]
    manifest: Mapping[str, Any]
    tables: Mapping[tuple[str, str], Any] = field(repr=False)
    pictures: Mapping[str, Mapping[str, str]] = field(repr=False)

    @property
    def measures(self) -> list[Measure]:
        """The measures, in the order of the results."""
        return [measure_of(name, card) for name, card in self.results["measures"].items()]

    @property
    def config(self) -> Mapping[str, Any]:
        return self.results.get("config") or {}

    @property
    def fdr(self) -> float:
        """The false-discovery rate at which rows are named."""
        return float(self.config.get("fdr") or 0.05)

    @cached_property
    def control(self) -> Control | None:
        """Whether the held-out images are of the same kind; None where that is not known."""
        return control_in(self.results)

    @property
    def compared(self) -> bool:
        """Whether held-out images are what is compared with."""
        splits = {split for _, split in self.tables}
        return not self.null_is_training and bool(splits & {"null", "held_out"})

    @property
    def null_is_training(self) -> bool:
        """Whether training images among themselves stand for held-out ones."""
        return bool(self.config.get("null") == "train")

    def find(self, measure: str, split: str, statistic: str) -> list[dict[str, Any]]:
        """The aggregates of one kind, in the order of the results."""
        name = (measure, split, statistic)
        return [
            row
            for row in self.results["rows"]
            if (row.get("measure"), row.get("split"), row.get("statistic")) == name
        ]

    def named_row(self, measure: str, split: str) -> dict[str, Any] | None:
        """The aggregate that counts the named rows; None where there is no null."""
        return next(iter(self.find(measure, split, "named")), None)

    def scored(self, measure: str, split: str, *, copies: bool = False) -> Any:
        """The rows that were scored, the closest first: each picture once, unless copies count."""
        import pyarrow.compute as pc

        table = self.tables.get((measure, split))
        if table is None:
            return None
        good = table.filter(pc.equal(table["status"], "ok"))
        if copies or "copy_of" not in good.column_names:
            return good
        return good.filter(pc.is_null(good["copy_of"]))

    def named(self, measure: str, split: str, *, copies: bool = False) -> Any:
        """The scored rows whose q is at most the chosen false-discovery rate, the closest first."""
        import pyarrow.compute as pc

        table = self.scored(measure, split, copies=copies)
        if table is None or "q_value" not in table.column_names:
            return None
        return table.filter(pc.less_equal(table["q_value"], self.fdr))

    def times(self, split: str, id: str) -> int:
        """How often a picture is there, by the id of the first of them."""
        return 1 + self._copies.get((split, id), 0)

    @cached_property
    def _copies(self) -> Mapping[tuple[str, str], int]:
        found: Counter[tuple[str, str]] = Counter()
        for (measure, split), table in self.tables.items():
            if measure == self.measures[0].name and "copy_of" in table.column_names:
                found.update((split, id) for id in table["copy_of"].to_pylist() if id is not None)
        return found

    def count(self, measure: str, split: str) -> int:
        """How many rows were scored."""
        table = self.scored(measure, split)
        return 0 if table is None else len(table)

    def distances(self, measure: str, split: str) -> Float[np.ndarray, " N"]:
        """The distances of the rows that were scored, rising."""
        return self._column(measure, split, "distance")

    def contrasts(self, measure: str, split: str) -> Float[np.ndarray, " N"]:
        """The contrasts of the rows that were scored, in the same order."""
        return self._column(measure, split, "contrast")

    def closest(self, measure: str, split: str, count: int) -> list[Row]:
        """The closest rows that were scored: lowest distance first, then by id."""
        table = self.scored(measure, split)
        return [] if table is None else rows_of(table.slice(0, count), split)

    def picture(self, side: str, id: str) -> Picture:
        """The picture of an image; an empty one where it cannot be shown."""
        if side == "held_out" and self.null_is_training:
            side = "training"
        name = self.pictures.get(side, {}).get(id)
        return embed(self.folder, name, LARGEST) or Picture()

    def _column(self, measure: str, split: str, name: str) -> Float[np.ndarray, " N"]:
        table = self.scored(measure, split)
        if table is None:
            return np.empty(0)
        values: np.ndarray = table[name].to_numpy(zero_copy_only=False).astype(np.float64)
        return values


def open_nearest_run(folder: Path) -> NearestRun:
    """Reads the folder of a `nearest` run.

    Raises:
        NotFound: When a file that every such run has is missing.
        BadInput: When one cannot be read.
    """
    unfinished = 'It is not a finished nearest run: "solidmark nearest" makes one.'
    again = 'Run "solidmark nearest" again.'
    results = open_results(folder, unfinished, ("rows", "measures"))
    manifest = open_json(folder, "manifest.json", unfinished)
    scores, null, images = (
        open_table(folder, name, again, (*_ALWAYS, *_STATE, *columns))
        for name, columns in _COLUMNS.items()
    )
    tables: dict[tuple[str, str], Any] = {}
    for measure in results["measures"]:
        tables[measure, "generated"] = part_of(scores, measure)
        tables[measure, "null"] = part_of(null, measure)
        for split in ("trained", "held_out"):
            tables[measure, split] = part_of(images, measure, split)
    found = {name: table for name, table in tables.items() if len(table)}
    return NearestRun(folder, results, manifest, found, open_pictures(folder, again))


def rows_of(table: Any, split: str) -> list[Row]:
    """The rows of a table."""
    names = (*_ALWAYS, "p_value", "q_value", *_STATE, "caption")
    rows = []
    for found in table.to_pylist():
        row = {name: _plain(found.get(name)) for name in names}
        row |= {name: row[name] or "" for name in ("nearest", "note", "caption")}
        rows.append(Row(split=split, **row))
    return rows


def content_of(contrast: float | None) -> str:
    """Whether a picture is nearly of one colour, in a word; empty where it is not known."""
    return "" if contrast is None else "low" if contrast < LOW_CONTENT else "ordinary"


def _plain(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def part_of(table: Any, measure: str, split: str | None = None) -> Any:
    """The rows of one measure and split, the closest first, those without a distance last."""
    import pyarrow.compute as pc

    asked = pc.equal(table["measure"], measure)
    if split is not None:
        asked = pc.and_(asked, pc.equal(table["split"], split))
    return table.filter(asked).sort_by([("distance", "ascending"), ("id", "ascending")])
