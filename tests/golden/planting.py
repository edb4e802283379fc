"""Observed folders that no control gives: what a fault in somebody's data, or a machine, leaves."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from solidmark.runs.contents import record

Row = dict[str, Any]


def _plant(folder: str, change: Callable[[Row], None]) -> None:
    """Copies what was observed, and changes its rows as if the model had said so."""
    here = Path(shutil.copytree("observed", folder))
    path = here / "evidence.parquet"
    table = pq.read_table(path)
    rows = table.to_pylist()
    for row in rows:
        change(row)
    pq.write_table(pa.Table.from_pylist(rows, table.schema), path)
    names = set(json.loads((here / "files.json").read_text())) - {"version"}
    for left in ("results.json", "scores.parquet", "report.html", "named.csv"):
        (here / left).unlink(missing_ok=True)
    shutil.rmtree(here / "figures", ignore_errors=True)  # Where `report` came before.
    manifest = json.loads((here / "manifest.json").read_text())
    manifest["files"] = record(here, sorted(names))
    del manifest["checksum"]
    (here / "manifest.json").write_text(json.dumps(manifest))


def _leaked() -> None:
    """The model was trained on the held-out images too: their keys are read as they are."""
    keys = {row["id"]: row["key"] for row in pq.read_table("segments/keys.parquet").to_pylist()}

    def know(row: Row) -> None:
        if row["split"] == "held_out":
            row["key_read"] = keys[row["id"]]

    _plant("leaked", know)


def _unread() -> None:
    """The model answered nothing."""

    def fail(row: Row) -> None:
        row.update(key_read=None, path=None, status="failed", note="The answer is not finite.")

    _plant("unread", fail)


def _epochs() -> None:
    """The checkpoints of a training: networks that were not trained, as that is another one on
    another processor."""
    for number in (1, 2):
        shutil.copytree("unet", f"epochs/epoch-{number:04d}")


PLANTS: dict[str, Callable[[], None]] = {
    "epochs": _epochs,
    "leaked": _leaked,
    "unread": _unread,
}
"""What `Run.plant` may name."""
