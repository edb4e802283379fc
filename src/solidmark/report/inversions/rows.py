"""All rows of an `invmm` run for the table of its page, and what failed."""

from collections import Counter
from functools import partial
from typing import Any

from solidmark.report.inversions.records import Row
from solidmark.report.inversions.run import InversionsRun
from solidmark.report.inversions.words import OUTCOMES, SPLITS
from solidmark.report.rows import ROWS, table_of_rows


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
    return table_of_rows(
        columns,
        rows,
        partial(_value, run),
        total=len(run.rows),
        fdr=run.fdr,
        order="rows with the lowest score",
        sort="score",
        searched=["id", "copy_of", *(["prompt"] * prompts), "note"],
        searched_words="id or note",
        names={"split": SPLITS, "status": {str(one): said for one, said in OUTCOMES.items()}},
    )


def _value(run: InversionsRun, row: Row, name: str) -> Any:
    if name == "prompt":
        one = run.best(row.name)
        return one.words if one is not None else ""
    return getattr(row, name)


def failures(run: InversionsRun) -> list[tuple[str, str, int]]:
    """Split, reason and count of the images that failed, the most common first."""
    found = Counter(
        (SPLITS[row.split], row.note or "no reason given")
        for row in run.rows
        if row.status == "failed"
    )
    return [(*name, count) for name, count in found.most_common()]
