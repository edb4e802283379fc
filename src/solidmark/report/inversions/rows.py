"""All rows of an `invmm` run for the table of its page, what failed, and the named ones."""

import csv
import io
import math
from collections import Counter
from typing import Any

from solidmark.report.inversions.records import Row
from solidmark.report.inversions.run import InversionsRun
from solidmark.report.inversions.words import OUTCOMES, SPLITS
from solidmark.report.named import plain_text
from solidmark.report.tables import ROWS

COLUMNS = (
    "id",
    "file_name",
    "status",
    "kl",
    "best_similarity",
    "reproduced",
    "restarts",
    "score",
    "p_value",
    "q_value",
    "copy_of",
)
"""The columns of `named.csv`."""


def all_rows(run: InversionsRun, images: bool) -> dict[str, Any]:
    """Every row for the table of the page: columns, and arrays of values in their order.

    Arguments:
        run: The run.
        images: Whether the prompts that were found may stand on the page.
    """
    rows = run.rows[:ROWS]
    several = any(row.restarts > 1 for row in rows)
    prompts = images and any(one.words for tries in run.tries.values() for one in tries)
    columns = [
        ("id", "Image", "text"),
        ("split", "Split", "choice"),
        ("status", "Outcome", "choice"),
        ("kl", "KL", "number"),
        *([("kl_low", "Lowest KL", "number"), ("kl_high", "Highest KL", "number")] * several),
        *([("reproduced", "Reproduced", "whole"), ("restarts", "Restarts", "whole")] * several),
        ("best_similarity", "Least alike", "number"),
        ("score", "Score", "number"),
        ("p_value", "p", "number"),
        ("q_value", "q", "number"),
        ("network_calls", "Calls", "number"),
        *([("prompt", "Prompt found", "text")] * prompts),
        *([("copy_of", "Same pixels as", "text")] * any(run.copies.values())),
        ("note", "Note", "text"),
    ]
    return {
        "total": len(run.rows),
        "fdr": run.fdr,
        "order": "rows with the lowest score",
        "sort": "score",
        "searched": ["id", "copy_of", *(["prompt"] * prompts), "note"],
        "searched_words": "id or note",
        "choices": [
            {"name": "split", "label": "Split"},
            {"name": "status", "label": "Outcome"},
        ],
        "names": {"split": SPLITS, "status": dict(OUTCOMES)},
        "columns": [{"name": name, "label": label, "kind": kind} for name, label, kind in columns],
        "rows": [[_value(run, row, name) for name, _, _ in columns] for row in rows],
    }


def _value(run: InversionsRun, row: Row, name: str) -> Any:
    value: Any
    if name == "prompt":
        one = run.best(row.name)
        value = one.words if one is not None else ""
    else:
        value = getattr(row, name)
    return float(f"{value:.6g}") if isinstance(value, float) else value


def failures(run: InversionsRun) -> list[tuple[str, str, int]]:
    """Split, reason and count of the images that failed, the most common first."""
    found = Counter(
        (SPLITS[row.split], row.note or "no reason given")
        for row in run.rows
        if row.status == "failed"
    )
    return [(*name, count) for name, count in found.most_common()]


def named_csv(run: InversionsRun) -> bytes:
    """The named trained images as CSV, copies too, the lowest q first."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    named = [row for row in run.rows if row.split == "trained" and row.is_named(run.fdr)]
    for row in sorted(named, key=_lowest):
        values = (
            run.marked.files.get(row.id) if name == "file_name" else getattr(row, name)
            for name in COLUMNS
        )
        writer.writerow([plain_text(v) if isinstance(v, str) else v for v in values])
    return text.getvalue().encode("utf-8", "replace")


def _lowest(row: Row) -> tuple[float, float]:
    q, score = (math.inf if v is None else v for v in (row.q_value, row.score))
    return q, score
