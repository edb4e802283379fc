"""The rows of a run for the table of its page."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

ROWS = 50_000
"""So many rows stand in a page, the most suspicious first; the tables of the run have them all."""

Column = tuple[str, str, str]
"""A column: its name, its label, and what its values are: "text", "choice", "number" ..."""


def table_of_rows(
    columns: Sequence[Column],
    rows: Iterable[Any],
    value: Callable[[Any, str], Any],
    *,
    total: int,
    fdr: float,
    order: str,
    sort: str,
    searched: Sequence[str],
    searched_words: str,
    names: Mapping[str, Mapping[str, str]],
) -> dict[str, Any]:
    """The table of a page, as its script reads it: columns, and arrays of values in their order.

    Arguments:
        columns: The columns. A row can be chosen by each column of choices.
        rows: Those that stand on the page.
        value: What a row has in a column. Numbers are cut to six digits.
        total: How many rows there are.
        fdr: The false-discovery rate at which rows are named.
        order: Which rows these are, where not all stand on the page.
        sort: The column by which they are sorted at first.
        searched: The columns that are searched.
        searched_words: The same in words.
        names: By column, how its values are called.
    """
    return {
        "total": total,
        "fdr": fdr,
        "order": order,
        "sort": sort,
        "searched": list(searched),
        "searched_words": searched_words,
        "choices": [
            {"name": name, "label": label} for name, label, kind in columns if kind == "choice"
        ],
        "names": names,
        "columns": [{"name": name, "label": label, "kind": kind} for name, label, kind in columns],
        "rows": [[_cut(value(row, name)) for name, _, _ in columns] for row in rows],
    }


def _cut(value: Any) -> Any:
    return float(f"{value:.6g}") if isinstance(value, float) else value
