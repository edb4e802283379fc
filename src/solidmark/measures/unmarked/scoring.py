"""The verdict of all measures, from what each has found; no model is needed."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from solidmark.cards.card import Card
from solidmark.errors import EmptyTable
from solidmark.measures.inpaint import score_inpainting
from solidmark.measures.invmm import score_invmm
from solidmark.measures.nearest import score_nearest
from solidmark.measures.signals import score_signals
from solidmark.measures.unmarked.configuration import GENERATED, names_of
from solidmark.runs import (
    RESULTS,
    Figure,
    Results,
    Verdict,
    csv_of,
    open_results,
    read_manifest,
    read_table,
    require_scored,
    scored_before,
    table_bytes,
    typed,
    write_bytes,
    write_results,
)
from solidmark.verdicts.together import Told, judge_together

SCORERS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "signals": score_signals,
    "nearest": score_nearest,
    "inpaint": score_inpainting,
    "invmm": score_invmm,
}

CARDS: Mapping[str, Card] = {
    "signals": Card(
        "signals",
        "Cheap signals",
        "Does the model treat trained images otherwise than held-out ones, as a few calls show?",
    ),
    "nearest": Card(
        "nearest",
        "Generations",
        "Does what the model draws come closer to training images than fresh images do?",
    ),
    "inpaint": Card(
        "inpaint",
        "Inpainting",
        "Does the model draw the hidden half of trained images better than of held-out ones?",
    ),
    "invmm": Card(
        "invmm",
        "InvMM",
        "Is there noise, as ordinary as can be, from which the model draws the image again?",
    ),
}

TABLES = {"nearest": "images.parquet"}
"""Where the rows of single images lie, where not in `scores.parquet`."""

SCORES = pa.schema(
    [
        *typed(pa.string(), "measure", "by", "split", "id"),
        *typed(pa.float64(), "p_value", "q_value"),
        ("status", pa.string()),
    ]
)
"""The columns of `scores.parquet`: a row per measure, its distance or signal, and image."""

NAMED = ("id", "measure", "by", "p_value", "q_value")
"""The columns of `named.csv`."""

KEPT = ("named", "named_subjects", "auc", "reproduced", "judged")
"""The statistics of the measures that stand among the figures of all."""


def score_unmarked(
    out: Path,
    *,
    fdr: float = 0.05,
    trust_control: bool | None = None,
    manifest: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Scores every measure of an audit without marks, and judges them together.

    Arguments:
        out: The folder of the audit.
        fdr: The false-discovery rate at which images are named.
        trust_control: Whether images are named although the held-out ones are of another kind;
            None = as before.
        manifest: The manifest, where it is at hand.

    Returns:
        What is in `results.json`.

    Raises:
        NotFound: When the folder has no evidence.
        RunConflict: When it is of another command, or not finished.
    """
    manifest = read_manifest(out, "unmarked") if manifest is None else manifest
    names = names_of(manifest["config"])
    for name in names:
        # Each has its share of the level, so that all of them together keep it.
        try:
            SCORERS[name](out / name, fdr=fdr, trust_control=trust_control, among=len(names))
        except EmptyTable:
            (out / name / RESULTS).unlink(missing_ok=True)
    return combine(out, manifest, fdr=fdr)


def combine(
    out: Path, manifest: Mapping[str, Any] | None = None, *, fdr: float | None = None
) -> dict[str, Any]:
    """Judges the measures together, as they are scored now.

    Arguments:
        out: The folder of the audit.
        manifest: The manifest, where it is at hand.
        fdr: The false-discovery rate at which images are named; as before when not given.

    Returns:
        What is in `results.json`.
    """
    manifest = read_manifest(out, "unmarked") if manifest is None else manifest
    fdr = float(scored_before(out).get("fdr", 0.05)) if fdr is None else fdr
    told: list[Told] = []
    figures: list[Figure] = []
    tables: list[pa.Table] = []
    failed = 0
    for name in names_of(manifest["config"]):
        found = open_results(out / name) if (out / name / RESULTS).is_file() else None
        told.append(_told(name, found))
        figures.append(_spent(out, name))
        if found is not None:
            figures += [one for one in found.figures if one.statistic in KEPT]
            tables.append(_rows(out, name))
            failed += found.failed
    table = pa.concat_tables(tables) if tables else pa.Table.from_pylist([], SCORES)
    write_bytes(out / "scores.parquet", table_bytes(table))
    write_bytes(out / "named.csv", _named(table, fdr))
    return write_results(
        out,
        manifest,
        figures,
        verdict=judge_together(told),
        failed=failed,
        chosen={"fdr": fdr},
        files=("scores.parquet", "named.csv"),
    )


def _told(name: str, found: Results | None) -> Told:
    """What a measure has come to."""
    card = CARDS[name]
    verdict = Verdict("failed", "No image could be scored.", "Nothing scored")
    verdict = verdict if found is None else found.judged
    return Told(name, card.title, card.asks, verdict, is_memory=name != "signals")


def _spent(out: Path, name: str) -> Figure:
    """The network calls that a measure took."""
    if name == "nearest":
        drawn = read_manifest(out / GENERATED)
        count = int(drawn["images"]) + len(drawn["failed"])
        calls = float(drawn["network_calls_per_image"]) * count
    else:
        file = "signals.parquet" if name == "signals" else "evidence.parquet"
        asked = ("network_calls", *(("triage_calls",) if name == "invmm" else ()))
        table = read_table(out / name / file, asked, "Make the audit again.")
        calls = sum(float(pc.sum(table[column]).as_py() or 0.0) for column in asked)
    return Figure(
        measure=name,
        split="trained_vs_held_out",
        statistic="network_calls",
        value=round(calls, 3),
        unit="network calls",
    )


def _rows(out: Path, name: str) -> pa.Table:
    """The rows of single images of a measure."""
    file = out / name / TABLES.get(name, "scores.parquet")
    asked = ("split", "id", "p_value", "q_value", "status")
    table = read_table(file, asked, "Make the audit again.")
    require_scored(out / name, file.name)
    by = next((c for c in ("measure", "signal") if c in table.column_names), None)
    columns = {column: table[column] for column in asked}
    columns["measure"] = pa.array([name] * len(table), pa.string())
    columns["by"] = columns["measure"] if by is None else table[by]
    return pa.table({field.name: columns[field.name].cast(field.type) for field in SCORES})


def _named(table: pa.Table, fdr: float) -> bytes:
    """The named trained images of all measures as CSV, those of most measures first."""
    rows = [
        row
        for row in table.to_pylist()
        if row["split"] == "trained" and row["q_value"] is not None and row["q_value"] <= fdr
    ]
    by = {row["id"]: set[str]() for row in rows}
    for row in rows:
        by[row["id"]].add(row["measure"])
    rows.sort(key=lambda row: (-len(by[row["id"]]), row["id"], row["measure"], row["by"]))
    return csv_of(NAMED, ([row[name] for name in NAMED] for row in rows))
