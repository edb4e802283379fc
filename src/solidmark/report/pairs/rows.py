"""All rows of a `nearest` run for the table of its page, and what failed."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from solidmark.report.pairs.run import NearestRun, Row, content_of, rows_of
from solidmark.report.pairs.words import ROLES
from solidmark.report.rows import ROWS, table_of_rows


def all_rows(run: NearestRun, images: bool) -> dict[str, Any]:
    """Every row for the table of the page: columns, and arrays of values in their order.

    Arguments:
        run: The run.
        images: Whether captions may stand on the page.
    """
    found = (row for split, table in shown_tables(run) for row in rows_of(table, split))
    rows = sorted(found, key=_most_suspicious)
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
    return table_of_rows(
        columns,
        rows,
        _value,
        total=sum(len(table) for table in run.tables.values()),
        fdr=run.fdr,
        order=f"rows with the {'lowest p' if judged else 'smallest distances'}",
        sort="p_value" if judged else "distance",
        searched=["id", "nearest", "caption", "note"],
        searched_words="id, nearest or note",
        names={
            "measure": {measure.name: measure.title for measure in run.measures},
            "split": ROLES,
        },
    )


def shown_tables(run: NearestRun) -> Iterator[tuple[str, Any]]:
    """What stands on a page, each with its split: where there are many rows, the closest."""
    most = max(1, ROWS // max(1, len(run.tables)))
    for (_, split), table in run.tables.items():
        yield split, table.slice(0, most)


def reasons(table: Any) -> list[tuple[str, str]]:
    """The status of each row of a table that does not count, and why it does not."""
    import pyarrow.compute as pc

    lost = table.filter(pc.not_equal(table["status"], "ok"))
    states, notes = (lost[name].to_pylist() for name in ("status", "note"))
    return [(status, note or "no reason given") for status, note in zip(states, notes, strict=True)]


def _most_suspicious(row: Row) -> tuple[bool, float, float]:
    lost = float("inf")
    p = lost if row.p_value is None else row.p_value
    return row.status != "ok", p, lost if row.distance is None else row.distance


def _value(row: Row, name: str) -> Any:
    return content_of(row.contrast) if name == "content" else getattr(row, name)


def failures(run: NearestRun) -> list[tuple[str, str, str, str, int]]:
    """Measure, split, status, reason and count of the rows that do not count."""
    titles = {measure.name: measure.title for measure in run.measures}
    found = Counter(
        (titles.get(measure, measure), ROLES[split], status, reason)
        for (measure, split), table in run.tables.items()
        for status, reason in reasons(table)
    )
    return [(*name, count) for name, count in found.most_common()]
