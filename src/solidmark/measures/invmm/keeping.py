"""What is kept of an attempt: its row, its pictures, its numbers; and the tables of all of them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.data import Sample
from solidmark.marks import file_stem, write_image
from solidmark.measures.invmm.inversion import Attempt
from solidmark.measures.invmm.slots import Task, task_name
from solidmark.measures.invmm.subjects import Roll
from solidmark.measures.invmm.triage import Order
from solidmark.runs import typed, write_rows

EVIDENCE = pa.schema(
    [
        *typed(pa.string(), "split", "id"),
        ("repeat", pa.int64()),
        ("status", pa.string()),
        *typed(pa.float64(), "kl", "kl_end", "best_similarity"),
        ("steps", pa.int64()),
        *typed(pa.float64(), "guidance", "network_calls"),
        ("triage_rank", pa.int64()),
        *typed(pa.float64(), "triage_value", "triage_calls"),
        *typed(pa.string(), "words", "caption", "copy_of", "note", "original"),
        ("drawn", pa.list_(pa.string())),
        ("attempt", pa.string()),
    ]
)
"""The columns of `evidence.parquet`: a row an image and restart."""

PATHS = pa.schema(
    [
        *typed(pa.string(), "split", "id"),
        *typed(pa.int64(), "repeat", "step"),
        *typed(pa.float64(), "loss", "kl", "weight", "similarity"),
    ]
)
"""The columns of `paths.parquet`: a row a check."""


def keep_attempt(
    folder: Path, words: str | None, attempt: Attempt, sample: Sample
) -> dict[str, Any]:
    """Writes the files of an ended attempt and gives its row, which is committed after them.

    Arguments:
        words: The prompt that was found, where one was.
    """
    stem = f"{attempt.split}/{file_stem(attempt.id)}"
    one = f"{stem}-{attempt.repeat}"
    original, numbers = f"pictures/{stem}-original.png", f"attempts/{one}.safetensors"
    write_image(folder / original, sample.image)
    drawn = []
    for number, picture in enumerate(() if attempt.pictures is None else attempt.pictures):
        drawn.append(f"pictures/{one}-drawn-{number}.png")
        write_image(folder / drawn[-1], picture.clamp(0, 1))
    attempt.to_file(folder / numbers)
    return {
        "status": attempt.outcome,
        "kl": None if attempt.outcome == "failed" else attempt.kl,
        "kl_end": _finite(attempt.kl_end),
        "best_similarity": _finite(attempt.best_similarity),
        "steps": attempt.step,
        "guidance": attempt.guidance,
        "network_calls": round(attempt.calls, 6),
        "words": words,
        "caption": sample.caption,
        "note": attempt.note,
        "original": original,
        "drawn": drawn,
        "attempt": numbers,
        "path": [list(look) for look in attempt.path],
    }


def write_tables(
    folder: Path, restarts: int, roll: Roll, order: Order, rows: Mapping[str, Any]
) -> None:
    """Puts the rows of all processes into the tables, the same however they came.

    An image without a row was not tried. A copy has the row of the image that was inverted in its
    place, without its cost. A held-out image that was trained on has none.
    """
    evidence: list[dict[str, Any]] = []
    paths: list[dict[str, Any]] = []
    for repeat in range(restarts):
        for rank, (split, id) in enumerate(order.units):
            task = split, id, repeat
            row = _row(task, rows) | _triage(order, rank, repeat)
            evidence.append(row)
            for look in row.get("path", ()):
                named = dict(zip(PATHS.names[3:], look, strict=True))
                paths.append({"split": split, "id": id, "repeat": repeat} | named)
        asked = {(row["split"], row["id"]): row for row in evidence if row["repeat"] == repeat}
        for (split, id), first in roll.copies.items():
            same = {"split": split, "id": id, "copy_of": first[1]}
            free = {"network_calls": 0.0, "triage_calls": 0.0}
            evidence.append(asked[first] | same | free)
        for (split, id), note in roll.broken.items():
            broken = {"status": "failed", "note": note, "network_calls": 0.0}
            evidence.append({"split": split, "id": id, "repeat": repeat} | broken)
    _write(folder / "evidence.parquet", evidence, EVIDENCE)
    _write(folder / "paths.parquet", paths, PATHS)


def _row(task: Task, rows: Mapping[str, Any]) -> dict[str, Any]:
    split, id, repeat = task
    found = rows.get(task_name(task), {"status": "not_tried", "network_calls": 0.0})
    return {"split": split, "id": id, "repeat": repeat, **found}


def _triage(order: Order, rank: int, repeat: int) -> dict[str, Any]:
    unit = order.units[rank]
    calls = order.calls.get(unit, 0.0) if repeat == 0 else 0.0
    return {
        "triage_rank": rank + 1,
        "triage_value": order.value.get(unit),
        "triage_calls": calls,
    }


def _write(path: Path, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
    table = sorted(
        rows, key=lambda row: (row["split"], row["id"], row["repeat"], row.get("step", 0))
    )
    write_rows(path, table, schema)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
