"""The table of what a model answered: its columns, a row of it, and how it is written."""

import heapq
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.marks import file_stem, write_image
from solidmark.measures.audit.tasks import Task, name_of
from solidmark.readers import Energy, Fitted
from solidmark.runs import typed, write_rows
from solidmark.subjects import Evidence

EVIDENCE = pa.schema(
    [
        *typed(pa.string(), "reader", "split", "id"),
        ("repeat", pa.int64()),
        *typed(pa.list_(pa.float64()), "key_read", "candidates", "energies"),
        ("picture", pa.string()),
        ("path", pa.list_(pa.float64())),
        ("features", pa.list_(pa.float32())),
        ("network_calls", pa.float64()),
        *typed(pa.string(), "status", "note"),
    ]
)
"""The columns of `evidence.parquet`."""
ADDED = ("path", "features")
"""Columns that evidence of before does not have; the last is there where a reader learns."""
ONE_ROW = ("reader", "split", "id", "repeat")
"""What tells its rows apart."""


def row_of(folder: Path, task: Task, id: str, repeat: int, answer: Evidence) -> dict[str, Any]:
    """One row of evidence; its picture is on disk before the row is."""
    finite = all(math.isfinite(value) for value in answer.features or ())
    if not finite or not all(abs(value) <= 1 for value in answer.key_read):
        return {"status": "failed", "note": "The model answered with numbers that are not finite."}
    row: dict[str, Any] = {"status": "ok", "note": "", "key_read": answer.key_read}
    if answer.energies is not None:
        row["energies"] = answer.energies
        if isinstance(task.reader, Energy):
            row["candidates"] = task.reader.grid.tolist()
    if answer.path is not None:
        row["path"] = answer.path
    if answer.features is not None:
        row["features"] = answer.features
    if answer.picture is not None:
        stem = f"{file_stem(id)}-{repeat}"
        row["picture"] = f"pictures/{task.reader.name}/{task.split}/{stem}.png"
        write_image(folder / row["picture"], answer.picture)
    return row


def write_evidence(folder: Path, tasks: Sequence[Task], rows: Mapping[str, Any]) -> None:
    """Puts the rows of all processes into one table, sorted, the same however they came."""
    parts: dict[tuple[str, str], list[Task]] = {}
    for task in tasks:
        parts.setdefault((task.reader.name, task.split), []).append(task)
    table = (
        {"reader": reader, "split": split, "id": id, "repeat": repeat}
        | rows[name_of(several[0], id, repeat)]
        for (reader, split), several in sorted(parts.items())
        # The images of each bucket are sorted.
        for id, repeat in heapq.merge(*(task.units for task in several))
    )
    schema = EVIDENCE
    if not any(isinstance(task.reader, Fitted) for task in tasks):
        schema = schema.remove(schema.get_field_index("features"))
    write_rows(folder / "evidence.parquet", table, schema)
