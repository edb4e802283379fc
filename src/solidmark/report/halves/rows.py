"""All rows of an `inpaint` run for the table of its page, and what failed."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from solidmark.report.halves.run import SPLITS, HalvesRun
from solidmark.report.pairs.rows import reasons, shown_tables
from solidmark.report.pairs.run import content_of
from solidmark.report.rows import table_of_rows

LOST = float("inf")


def all_rows(halves: HalvesRun) -> dict[str, Any]:
    """Every row for the table of the page: columns, and arrays of values in their order."""
    found = (row for _, table in shown_tables(halves.run) for row in table.to_pylist())
    rows = sorted(found, key=_most_suspicious)
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
    return table_of_rows(
        columns,
        rows,
        _value,
        total=sum(len(table) for table in halves.run.tables.values()),
        fdr=halves.run.fdr,
        order=f"rows with the {'lowest p' if judged else 'smallest distances'}",
        sort="p_value" if judged else "distance",
        searched=["id", "copy_of", "note"],
        searched_words="id or note",
        names={
            "measure": {measure.name: measure.title for measure in halves.run.measures},
            "split": SPLITS,
        },
    )


def _most_suspicious(row: Mapping[str, Any]) -> tuple[bool, float, float]:
    p, distance = (LOST if row[name] is None else row[name] for name in ("p_value", "distance"))
    return row["status"] != "ok", p, distance


def _value(row: Mapping[str, Any], name: str) -> Any:
    return content_of(row["contrast"]) if name == "content" else row[name]


def failures(halves: HalvesRun) -> list[tuple[str, str, int]]:
    """Split, reason and count of the images that failed, the most common first."""
    first = halves.run.measures[0].name  # An image that fails does so by every measure.
    found = Counter(
        (SPLITS[split], reason)
        for (measure, split), table in halves.run.tables.items()
        if measure == first
        for _, reason in reasons(table)
    )
    return [(*name, count) for name, count in found.most_common()]
