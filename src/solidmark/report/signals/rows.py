"""All rows of a `signals` run for the table of its page, what failed, and the named ones."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from solidmark.report.pairs.rows import named_rows, reasons, shown_tables
from solidmark.report.pairs.run import content_of
from solidmark.report.rows import table_of_rows
from solidmark.report.signals.run import SPLITS, SignalsRun
from solidmark.runs import csv_of

COLUMNS = ("id", "signal", "value", "p_value", "q_value", "contrast", "copy_of")
"""The columns of `named.csv`."""

LOST = float("inf")


def all_rows(signals: SignalsRun, images: bool) -> dict[str, Any]:
    """Every row for the table of the page: columns, and arrays of values in their order.

    Arguments:
        signals: The run.
        images: Whether captions may stand on the page.
    """
    found = (row for _, table in shown_tables(signals.run) for row in table.to_pylist())
    rows = sorted(found, key=_most_suspicious)
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
    return table_of_rows(
        columns,
        rows,
        _value,
        total=sum(len(table) for table in signals.run.tables.values()),
        fdr=signals.run.fdr,
        order=f"rows with the {'lowest p' if judged else 'most suspicious values'}",
        sort="p_value" if judged else "value",
        searched=["id", "note", *(["prompt"] * told)],
        searched_words="id, prompt or note" if told else "id or note",
        names={
            "signal": {measure.name: measure.title for measure in signals.measures},
            "split": SPLITS,
        },
    )


def failures(signals: SignalsRun) -> list[tuple[str, str, str, int]]:
    """Signals, split, reason and count of the rows that count nowhere, the most common first.

    What befell the same images of several signals is one line.
    """
    titles = {one.name: one.title for one in signals.measures}
    found = Counter(
        (titles[name], SPLITS[split], reason)
        for (name, split), table in signals.run.tables.items()
        for _, reason in reasons(table)
    )
    merged: dict[tuple[str, str, int], list[str]] = {}
    for (title, split, reason), count in found.items():
        merged.setdefault((split, reason, count), []).append(title)
    lines = [(", ".join(some), *key) for key, some in merged.items()]
    return sorted(lines, key=lambda line: -line[-1])


def named_csv(signals: SignalsRun) -> bytes:
    """The named trained images of each signal as CSV, copies too, the lowest q first."""
    return csv_of(COLUMNS, ([row[name] for name in COLUMNS] for row in named_rows(signals.run)))


def _most_suspicious(row: Mapping[str, Any]) -> tuple[bool, float, float]:
    p, distance = (LOST if row[name] is None else row[name] for name in ("p_value", "distance"))
    return row["split"] != "trained", p, distance


def _value(row: Mapping[str, Any], name: str) -> Any:
    return content_of(row["contrast"]) if name == "content" else row[name]
