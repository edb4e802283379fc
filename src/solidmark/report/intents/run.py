"""The folder of an `intent` run, read whole: what the board is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from solidmark.report.opening import open_results, open_table, verdict_in
from solidmark.runs import Verdict, read_manifest

COMMAND = "intent"
AGAIN = 'Run the same "solidmark intent" again.'

COLUMNS = {
    "prompts": ("kind", "id", "text", "entities", "note"),
    "generations": ("kind", "prompt", "picture", "features", "status", "note"),
    "features": ("feature", "images", "copies", "original"),
    "findings": (
        "prompt",
        "text",
        "feature",
        "kind",
        "name",
        "named",
        "named_by",
        "count",
        "n",
        "frequency",
        "ci_low",
        "ci_high",
        "unrelated_count",
        "unrelated_n",
        "unrelated_frequency",
        "p_value",
        "q_value",
        "recurs_p",
        "recurs_q",
        "without",
        "entity",
        "type",
        "expected",
        "intended",
        "best_similarity",
        "original",
        "why",
    ),
}
"""What the board needs of each table."""

TYPES = ("unintended", "implicit", "explicit", "not memorized")
"""In the order of the board: what needs a decision first."""


@dataclass(frozen=True)
class IntentRun:
    """All files of such a folder.

    Arguments:
        folder: Where it lies.
        results: `results.json`.
        verdict: What the run has come to, which stands there.
        prompts: The prompts that were asked about, in order, by id.
        findings: The rows of `findings.parquet`, in their order.
        features: The rows of `features.parquet` by feature.
        generations: The rows of `generations.parquet`.
    """

    folder: Path
    results: Mapping[str, Any]
    verdict: Verdict = field(repr=False)
    prompts: Mapping[str, Mapping[str, Any]] = field(repr=False)
    findings: Sequence[Mapping[str, Any]] = field(repr=False)
    features: Mapping[str, Mapping[str, Any]] = field(repr=False)
    generations: Sequence[Mapping[str, Any]] = field(repr=False)

    @property
    def config(self) -> Mapping[str, Any]:
        return self._part("config")

    @property
    def scoring(self) -> Mapping[str, Any]:
        """The rules that the findings were made by."""
        return self._part("scoring")

    @property
    def calibration(self) -> Mapping[str, Any]:
        """From which likeness a generation is a copy, and how often that is wrong."""
        return self._part("calibration")

    @property
    def judged(self) -> int:
        """How many prompts have a generation that could be used."""
        return int(self.row("explicit").get("prompts_n") or 0)

    @property
    def overruled(self) -> bool:
        """Whether the user's file speaks of any finding."""
        return any(finding["expected"] for finding in self.findings)

    def row(self, type: str, split: str = "all", kind: str = "all") -> Mapping[str, Any]:
        """The counts of a type; an empty row where there are none."""
        wanted = {"statistic": type, "split": split, "kind": kind}
        found = (row for row in self.results["rows"] if wanted.items() <= row.items())
        return next(found, {})

    def of(self, type: str) -> list[Mapping[str, Any]]:
        """The findings of a type, in their order."""
        return [finding for finding in self.findings if finding["type"] == type]

    def drawn(self, prompt: str) -> list[Mapping[str, Any]]:
        """The generations of a prompt that could be used, in order."""
        return self._drawn.get(prompt, [])

    @cached_property
    def _drawn(self) -> dict[str, list[Mapping[str, Any]]]:
        found: dict[str, list[Mapping[str, Any]]] = {}
        for row in self.generations:
            if row["kind"] == "prompt" and row["status"] == "ok":
                found.setdefault(row["prompt"], []).append(row)
        return found

    def _part(self, name: str) -> Mapping[str, Any]:
        found = self.results.get(name)
        return found if isinstance(found, Mapping) else {}


def open_intent_run(folder: Path) -> IntentRun:
    """Reads the folder of `intent`.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When a file cannot be read.
    """
    read_manifest(folder, COMMAND)
    results = open_results(folder, AGAIN)
    tables = {
        name: open_table(folder, f"{name}.parquet", AGAIN, columns).to_pylist()
        for name, columns in COLUMNS.items()
    }
    return IntentRun(
        folder=folder,
        results=results,
        verdict=verdict_in(folder, results),
        prompts={row["id"]: row for row in tables["prompts"] if row["kind"] == "prompt"},
        findings=[row for row in tables["findings"] if row["type"] in TYPES],
        features={row["feature"]: row for row in tables["features"]},
        generations=tables["generations"],
    )
