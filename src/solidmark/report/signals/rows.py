"""All rows of a `signals` run for the table of its page, what failed, and the named ones."""

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from solidmark.report.named import plain_text
from solidmark.report.pairs.run import LOW_CONTENT
from solidmark.report.signals.run import SPLITS, SignalsRun
from solidmark.report.tables import ROWS

COLUMNS = ("id", "signal", "value", "p_value", "q_value", "contrast", "copy_of")
"""The columns of `named.csv`."""

LOST = float("inf")


def all_rows(signals: SignalsRun, images: bool) -> dict[str, Any]:
    """Every row for the table of the page: columns, and arrays of values in their order.

    Arguments:
        signals: The run.
        images: Whether captions may stand on the page.
    """
    rows = sorted(_rows(signals), key=_most_suspicious)
    judged = any(row["p_value"] is not None for row in rows)
    shared = any(row["copy_of"] is not None for row in rows)
    told = images and any(row["prompt"] is not None for row in rows)
    columns = [
        ("id", "Image", "text"),
        ("signal", "Signal", "choice"),
        ("split", "Split", "choice"),
        ("value", "Value", "number"),
        ("p_value", "p", "number"),
        ("q_value", "q", "number"),
        ("contrast", "Contrast", "number"),
        ("content", "Content", "choice"),
        *([("prompt", "Told", "text")] * told),
        *([("copy_of", "Counts with", "text")] * shared),
        ("status", "Status", "choice"),
        ("note", "Note", "text"),
    ]
    return {
        "total": sum(len(table) for table in signals.run.tables.values()),
        "fdr": signals.run.fdr,
        "order": f"rows with the {'lowest p' if judged else 'most suspicious values'}",
        "sort": "p_value" if judged else "value",
        "searched": ["id", "note", *(["prompt"] * told)],
        "searched_words": "id, prompt or note" if told else "id or note",
        "choices": [
            {"name": "signal", "label": "Signal"},
            {"name": "split", "label": "Split"},
            {"name": "content", "label": "Content"},
            {"name": "status", "label": "Status"},
        ],
        "names": {
            "signal": {measure.name: measure.title for measure in signals.measures},
            "split": SPLITS,
        },
        "columns": [{"name": name, "label": label, "kind": kind} for name, label, kind in columns],
        "rows": [[_value(row, name) for name, _, _ in columns] for row in rows],
    }


def failures(signals: SignalsRun) -> list[tuple[str, str, str, int]]:
    """Signals, split, reason and count of the rows that count nowhere, the most common first.

    What befell the same images of several signals is one line.
    """
    found: Counter[tuple[str, str, str]] = Counter()
    for (name, split), table in signals.run.tables.items():
        title = next(one.title for one in signals.measures if one.name == name)
        states, notes = (table[column].to_pylist() for column in ("status", "note"))
        found.update(
            (title, SPLITS[split], note or "no reason given")
            for status, note in zip(states, notes, strict=True)
            if status != "ok"
        )
    merged: dict[tuple[str, str, int], list[str]] = {}
    for (title, split, note), count in found.items():
        merged.setdefault((split, note, count), []).append(title)
    lines = [(", ".join(titles), *key) for key, titles in merged.items()]
    return sorted(lines, key=lambda line: -line[-1])


def named_csv(signals: SignalsRun) -> bytes:
    """The named trained images of each signal as CSV, copies too, the lowest q first."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for measure in signals.measures:
        table = signals.run.scored(measure.name, "trained", copies=True)
        rows = [] if table is None else table.to_pylist()
        named = [
            row for row in rows if row["q_value"] is not None and row["q_value"] <= signals.run.fdr
        ]
        for row in sorted(named, key=lambda row: (row["q_value"], row["p_value"])):
            values = (row[name] for name in COLUMNS)
            writer.writerow([plain_text(v) if isinstance(v, str) else v for v in values])
    return text.getvalue().encode("utf-8", "replace")


def _rows(signals: SignalsRun) -> Iterator[dict[str, Any]]:
    """The rows that stand on the page: where there are many, the first of each kind."""
    tables = signals.run.tables.values()
    for table in tables:
        yield from table.slice(0, max(1, ROWS // len(tables))).to_pylist()


def _most_suspicious(row: Mapping[str, Any]) -> tuple[bool, float, float]:
    p, distance = (LOST if row[name] is None else row[name] for name in ("p_value", "distance"))
    return row["split"] != "trained", p, distance


def _value(row: Mapping[str, Any], name: str) -> Any:
    if name == "content":
        contrast = row["contrast"]
        return "" if contrast is None else "low" if contrast < LOW_CONTENT else "ordinary"
    value = row[name]
    return float(f"{value:.6g}") if isinstance(value, float) else value
