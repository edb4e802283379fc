"""All rows of a `nearest` run for the table of its page, and what failed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from solidmark.report.pairs.run import NearestRun, Row, rows_of
from solidmark.report.pairs.words import ROLES
from solidmark.report.tables import ROWS


def all_rows(run: NearestRun, images: bool) -> dict[str, Any]:
    """Every row for the table of the page: columns, and arrays of values in their order.

    Arguments:
        run: The run.
        images: Whether captions may stand on the page.
    """
    rows = sorted(_rows(run), key=_most_suspicious)
    total = sum(len(table) for table in run.tables.values())
    captions = images and any(row.caption for row in rows)
    columns = [
        ("id", "Image", "text"),
        ("measure", "Measure", "choice"),
        ("split", "Compared", "choice"),
        ("nearest", "Nearest", "text"),
        ("distance", "Distance", "number"),
        *([("similarity", "Similarity", "number")] * any(m.is_similarity for m in run.measures)),
        *([("raw", "Before rescaling", "number")] * any(row.raw is not None for row in rows)),
        ("p_value", "p", "number"),
        ("q_value", "q", "number"),
        ("contrast", "Contrast", "number"),
        ("content", "Content", "choice"),
        ("status", "Status", "choice"),
        *([("caption", "Caption", "text")] * captions),
        ("note", "Note", "text"),
    ]
    judged = any(row.p_value is not None for row in rows)
    return {
        "total": total,
        "fdr": run.fdr,
        "order": f"rows with the {'lowest p' if judged else 'smallest distances'}",
        "sort": "p_value" if judged else "distance",
        "searched": ["id", "nearest", "caption", "note"],
        "searched_words": "id, nearest or note",
        "choices": [
            {"name": "measure", "label": "Measure"},
            {"name": "split", "label": "Compared"},
            {"name": "content", "label": "Content"},
            {"name": "status", "label": "Status"},
        ],
        "names": {
            "measure": {measure.name: measure.title for measure in run.measures},
            "split": ROLES,
        },
        "columns": [{"name": name, "label": label, "kind": kind} for name, label, kind in columns],
        "rows": [[_value(row, name) for name, _, _ in columns] for row in rows],
    }


def _rows(run: NearestRun) -> Iterator[Row]:
    """The rows that stand on the page: where there are many, the closest of each kind."""
    most = max(1, ROWS // max(1, len(run.tables)))
    for (_, split), table in run.tables.items():
        yield from rows_of(table.slice(0, most), split)


def _most_suspicious(row: Row) -> tuple[bool, float, float]:
    lost = float("inf")
    p = lost if row.p_value is None else row.p_value
    return row.status != "ok", p, lost if row.distance is None else row.distance


def _value(row: Row, name: str) -> Any:
    if name == "content":
        return "" if row.contrast is None else "low" if row.is_low_content else "ordinary"
    value = getattr(row, name)
    return float(f"{value:.6g}") if isinstance(value, float) else value


def failures(run: NearestRun) -> list[tuple[str, str, str, str, int]]:
    """Measure, split, status, reason and count of the rows that do not count."""
    import pyarrow.compute as pc

    titles = {measure.name: measure.title for measure in run.measures}
    found: Counter[tuple[str, str, str, str]] = Counter()
    for (measure, split), table in run.tables.items():
        lost = table.filter(pc.not_equal(table["status"], "ok"))
        states, notes = (lost[name].to_pylist() for name in ("status", "note"))
        for status, note in zip(states, notes, strict=True):
            reason = note or "no reason given"
            found[titles.get(measure, measure), ROLES[split], status, reason] += 1
    return [(*name, count) for name, count in found.most_common()]
