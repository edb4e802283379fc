"""The rows of a run for the table of its page."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from solidmark.page.sections import Rows

ROWS = 50_000
"""So many rows stand in a page at most; the tables of the run have them all."""

FIRST = 10_000
"""So many stand in it where there are more than that, the most suspicious ones: 2 MB of a page."""

Column = tuple[str, str, str]
"""A column: its name, its label, and what its values are: "text", "choice", "number" ..."""


def rows_shown(total: int) -> int:
    """How many of so many rows stand in a page.

    Example:
        >>> rows_shown(20_000), rows_shown(1_000_000)
        (20000, 10000)
    """
    return total if total <= ROWS else FIRST


def rows_section(
    columns: Iterable[Column],
    rows: Iterable[Any],
    value: Callable[[Any, str], Any],
    *,
    total: int,
    fdr: float,
    order: str,
    sort: str,
    names: Mapping[str, Mapping[str, str]],
    title: str = "All rows",
    file: str = "scores.parquet",
) -> Rows:
    """The rows of a page, folded, as its script reads them: columns, and arrays of values.

    Arguments:
        columns: The columns. A row can be chosen by those of choices, and found by those of text.
        rows: Those that stand on the page.
        value: What a row has in a column. Numbers are cut to six digits.
        total: How many rows there are.
        fdr: The false-discovery rate at which rows are named.
        order: Which rows these are, where not all stand on the page.
        sort: The column by which they are sorted at first.
        names: By column, how its values are called.
        title: Above them.
        file: Where all of them lie.
    """
    shown = list(columns)
    table = {
        "total": total,
        "fdr": fdr,
        "order": order,
        "sort": sort,
        "searched": [name for name, _, kind in shown if kind == "text"],
        "searched_words": ", ".join(label.lower() for _, label, kind in shown if kind == "text"),
        "choices": [
            {"name": name, "label": label} for name, label, kind in shown if kind == "choice"
        ],
        "names": names,
        "columns": [{"name": name, "label": label, "kind": kind} for name, label, kind in shown],
        "rows": [[_cut(value(row, name)) for name, _, _ in shown] for row in rows],
    }
    return Rows("rows", title, folded=True, table=table, file=file)


def _cut(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
