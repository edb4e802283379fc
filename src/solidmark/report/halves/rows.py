"""All rows of an `inpaint` run for the table of its page, what failed, and the named ones."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from solidmark.report.halves.run import SPLITS, HalvesRun
from solidmark.report.named import plain_text
from solidmark.report.pairs.run import LOW_CONTENT
from solidmark.report.tables import ROWS

COLUMNS = (
    "id",
    "file_name",
    "measure",
    "distance",
    "p_value",
    "q_value",
    "contrast",
    "copy_of",
)
"""The columns of `named.csv`."""

LOST = float("inf")


def all_rows(halves: HalvesRun) -> dict[str, Any]:
    """Every row for the table of the page: columns, and arrays of values in their order."""
    rows = sorted(_rows(halves), key=_most_suspicious)
    judged = any(row["p_value"] is not None for row in rows)
    columns = [
        ("id", "Image", "text"),
        ("measure", "Measure", "choice"),
        ("split", "Split", "choice"),
        ("distance", "Distance", "number"),
        ("p_value", "p", "number"),
        ("q_value", "q", "number"),
        ("contrast", "Contrast", "number"),
        ("content", "Content", "choice"),
        *([("copy_of", "Same pixels as", "text")] * any(halves.copies.values())),
        ("status", "Status", "choice"),
        ("note", "Note", "text"),
    ]
    return {
        "total": sum(len(table) for table in halves.run.tables.values()),
        "fdr": halves.run.fdr,
        "order": f"rows with the {'lowest p' if judged else 'smallest distances'}",
        "sort": "p_value" if judged else "distance",
        "searched": ["id", "copy_of", "note"],
        "searched_words": "id or note",
        "choices": [
            {"name": "measure", "label": "Measure"},
            {"name": "split", "label": "Split"},
            {"name": "content", "label": "Content"},
            {"name": "status", "label": "Status"},
        ],
        "names": {
            "measure": {measure.name: measure.title for measure in halves.run.measures},
            "split": SPLITS,
        },
        "columns": [{"name": name, "label": label, "kind": kind} for name, label, kind in columns],
        "rows": [[_value(row, name) for name, _, _ in columns] for row in rows],
    }


def _rows(halves: HalvesRun) -> Iterator[dict[str, Any]]:
    """The rows that stand on the page: where there are many, the closest of each kind."""
    tables = halves.run.tables.values()
    for table in tables:
        yield from table.slice(0, max(1, ROWS // len(tables))).to_pylist()


def _most_suspicious(row: Mapping[str, Any]) -> tuple[bool, float, float]:
    p, distance = (LOST if row[name] is None else row[name] for name in ("p_value", "distance"))
    return row["status"] != "ok", p, distance


def _value(row: Mapping[str, Any], name: str) -> Any:
    if name == "content":
        contrast = row["contrast"]
        return "" if contrast is None else "low" if contrast < LOW_CONTENT else "ordinary"
    value = row[name]
    return float(f"{value:.6g}") if isinstance(value, float) else value


def failures(halves: HalvesRun) -> list[tuple[str, str, int]]:
    """Split, reason and count of the images that failed, the most common first."""
    found: Counter[tuple[str, str]] = Counter()
    first = halves.run.measures[0].name  # An image that fails does so by every measure.
    for (measure, split), table in halves.run.tables.items():
        if measure == first:
            states, notes = (table[name].to_pylist() for name in ("status", "note"))
            found.update(
                (SPLITS[split], note or "no reason given")
                for status, note in zip(states, notes, strict=True)
                if status != "ok"
            )
    return [(*name, count) for name, count in found.most_common()]


def named_csv(halves: HalvesRun) -> bytes:
    """The named trained images of each measure as CSV, copies too, the lowest q first."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for measure in halves.run.measures:
        table = halves.run.scored(measure.name, "trained", copies=True)
        rows = [] if table is None else table.to_pylist()
        named = [
            row for row in rows if row["q_value"] is not None and row["q_value"] <= halves.run.fdr
        ]
        for row in sorted(named, key=lambda row: (row["q_value"], row["p_value"])):
            row["file_name"] = halves.marked.files.get(row["id"])
            values = (row[name] for name in COLUMNS)
            writer.writerow([plain_text(v) if isinstance(v, str) else v for v in values])
    return text.getvalue().encode("utf-8", "replace")
