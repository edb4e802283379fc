"""The folder of an `inpaint` run, read whole: what its page is made from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from solidmark.report.marked import Marked, open_marked_of
from solidmark.report.opening import open_results, open_table
from solidmark.report.pairs.run import NearestRun, part_of
from solidmark.runs import Verdict, read_manifest
from solidmark.runs import open_results as typed_results

SPLITS = {"trained": "Trained", "held_out": "Held-out"}

_SCORES = ("measure", "split", "id", "distance", "contrast", "p_value", "q_value")
_STATE = ("status", "note", "copy_of")
_EVIDENCE = ("split", "id", "draws", "picture")

Box = tuple[int, int, int, int]
"""Left, top, right and bottom, in pixels."""


@dataclass(frozen=True)
class HalvesRun:
    """All files of the folder of an `inpaint` run.

    Arguments:
        run: Its tables and aggregates, as the pages of distances read them: the splits are
            `trained` and `held_out`.
        marked: The marked folder with the truth, or why it cannot be used.
        drawn: By split and id: how many draws count, and where the best picture lies.
        same: Which measures are left out, since they are the same as another one.
        picture: The part of a marked image that is the picture, without its frame; None where
            the run does not say.
        hidden: The part of a marked image that was hidden and scored.
    """

    run: NearestRun
    marked: Marked
    drawn: Mapping[tuple[str, str], tuple[int, str | None]] = field(repr=False)
    same: str
    picture: Box | None
    hidden: Box | None

    @property
    def config(self) -> Mapping[str, Any]:
        return self.run.config

    @property
    def draws(self) -> int:
        """How often each image was drawn."""
        return int(self.config.get("draws") or 0)

    @cached_property
    def copies(self) -> dict[str, int]:
        """How many images of each split have the pixels of another one, and count with it."""
        return {split: self._copies(split) for split in SPLITS}

    def _copies(self, split: str) -> int:
        table = self.run.tables.get((self.run.measures[0].name, split))
        return 0 if table is None else len(table) - table["copy_of"].null_count


def open_halves_run(folder: Path) -> HalvesRun:
    """Reads the folder of an `inpaint` run.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When it is not finished, or was made by another command.
        BadInput: When a file cannot be read.
    """
    manifest = read_manifest(folder, "inpaint")
    scored = f'"solidmark score {folder}" makes it again.'
    results = open_results(folder, scored, ("rows", "measures"))
    scores = open_table(folder, "scores.parquet", scored, (*_SCORES, *_STATE))
    asked = 'Run "solidmark inpaint" again.'
    evidence = open_table(folder, "evidence.parquet", asked, _EVIDENCE)
    measures, same = _different(results, typed_results(folder).judged)
    results = {**results, "measures": measures}
    tables = {
        (measure, split): part_of(scores, measure, split)
        for measure in measures
        for split in SPLITS
    }
    found = {name: table for name, table in tables.items() if len(table)}
    return HalvesRun(
        run=NearestRun(folder, results, manifest, found, {}),
        marked=open_marked_of(folder, manifest),
        drawn={
            (row["split"], row["id"]): (row["draws"], row["picture"])
            for row in evidence.to_pylist()
        },
        same=same,
        picture=_box(manifest.get("picture")),
        hidden=_box(manifest.get("hidden")),
    )


def _different(results: Mapping[str, Any], judged: Verdict) -> tuple[dict[str, Any], str]:
    """The measures that differ, which the verdict speaks of, and what is to be said of the others.

    Twice the same number would look like two witnesses.
    """
    config = results.get("config") or {}
    draws, lowest = (int(config.get(name) or 0) for name in ("draws", "lowest"))
    measures = {one.name: results["measures"][one.name] for one in judged.findings}
    if len(measures) == len(results["measures"]):
        return measures, ""
    if draws > 1:
        return measures, f"Each image was drawn {draws} times: the {lowest} lowest draws are all."
    return measures, "Each image was drawn once: the best draw, the lowest and all are the same."


def _box(value: Any) -> Box | None:
    good = isinstance(value, list) and len(value) == 4 and all(isinstance(v, int) for v in value)
    return (value[0], value[1], value[2], value[3]) if good else None
