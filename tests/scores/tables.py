"""Small evidence and key tables, as a marked folder and an audit would hold them."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

Row = dict[str, Any]


def key_rows(count: int, keys: int = 1, held_out: int = 0, seed: int = 0) -> list[Row]:
    """`count` trained and `held_out` held-out images, each with a key of its own."""
    generator = np.random.default_rng(seed)
    rows = []
    for index in range(count + held_out):
        split = "trained" if index < count else "held_out"
        id = f"{split}/{index:04d}.png"
        key = (generator.integers(256, size=keys) / 255).tolist()
        rows.append(
            {"id": id, "split": split, "marked": True, "group": None, "key_group": id, "key": key}
        )
    return rows


def evidence_rows(
    keys: Sequence[Row],
    *,
    reader: str = "energy",
    memory: float = 1.0,
    repeats: int = 1,
    split: str | None = None,
    seed: int = 1,
) -> list[Row]:
    """What a reader says that sees the key of a trained image with the chance `memory`."""
    generator = np.random.default_rng(seed)
    rows = []
    for key in keys:
        for repeat in range(repeats):
            remembered = key["split"] == "trained" and generator.random() < memory
            guess = generator.random(len(key["key"]))
            read = np.clip(np.array(key["key"]) + 0.01 * guess, 0, 1) if remembered else guess
            row = {"reader": reader, "split": split or key["split"], "id": key["id"]}
            row |= {"repeat": repeat, "key_read": read.tolist(), "status": "ok", "note": ""}
            rows.append(row)
    return sorted(rows, key=lambda row: (row["reader"], row["split"], row["id"], row["repeat"]))


def with_energies(rows: Sequence[Row], count: int = 9) -> list[Row]:
    """The same rows with a valley of energies round each key read."""
    grid = np.linspace(0, 1, count)
    return [
        row
        | {
            "candidates": grid.tolist(),
            "energies": [float(abs(c - k) ** 1.5) for k in row["key_read"] for c in grid],
        }
        for row in rows
    ]


def without_energies(rows: Sequence[Row]) -> list[Row]:
    return [row | {"candidates": None, "energies": None} for row in rows]


def fail(row: Row) -> Row:
    return row | {"key_read": None, "status": "failed", "note": "out of memory"}


def table(rows: Sequence[Row], value: pa.DataType | None = None) -> pa.Table:
    columns = {name: [row[name] for row in rows] for name in rows[0]}
    vectors = {"key", "key_read", "candidates", "energies"}
    vector = pa.list_(value or pa.float64())
    return pa.table(
        {
            name: pa.array(column, vector)
            if name in vectors
            else pa.array(column, pa.string() if name == "group" else None)
            for name, column in columns.items()
        }
    )
