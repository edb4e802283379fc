"""`compare`: two audits of the same images, side by side. A pure function of their scores."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from solidmark.errors import WrongKeys
from solidmark.runs import (
    Figure,
    fingerprint,
    open_results,
    open_run,
    read_manifest,
    read_table,
    table_bytes,
    write_bytes,
    write_results,
)
from solidmark.scores import DELTAS, SCORES, Paired, paired
from solidmark.verdicts.change import change_between

CHANGES = pa.schema(
    [
        *((name, pa.string()) for name in ("reader", "split", "id")),
        *((name, pa.float64()) for name in ("first", "second", "difference")),
        *((name, pa.bool_()) for name in ("named_first", "named_second")),
    ]
)
"""The columns of `changes.parquet`: a row a reader and image that was read in both audits, with its
mean distances and whether it is named."""


def compare(
    first: Path,
    second: Path,
    *,
    deltas: Sequence[float] = DELTAS,
    fdr: float = 0.05,
    out: Path | None = None,
) -> dict[str, Any]:
    """Compares the scores of two audit folders, image by image.

    Arguments:
        first: A folder of `audit` or `score`, the one that differences are taken from.
        second: Another, of the same marked images.
        deltas: The thresholds of the eidetic counts, grey levels in (0, 1].
        fdr: The false-discovery rate at which rows count as named.
        out: A folder to write `results.json` and `changes.parquet` into, from which the page is
            made; nothing is written without one.

    Returns:
        `first` and `second`, the paths; `deltas`, `fdr`; `rows`, the fields of `Paired`; and
        `verdict`, what changed.

    Raises:
        NotFound: When a folder has no scores.
        WrongKeys: When the two were not made with the same keys.
        BadInput: When there is nothing in common to compare.
        RunConflict: When `out` holds something else.
    """
    one, other = _scores(first), _scores(second)
    manifests = [read_manifest(folder) for folder in (first, second)]
    if len({manifest["fingerprints"].get("keys") for manifest in manifests}) > 1:
        raise WrongKeys(
            f'"{first}" and "{second}" were observed with different keys. '
            "Compare audits of the same marked folder."
        )
    rows = paired(one, other, deltas, fdr)
    judged = {
        side: (str(folder), open_results(folder).judged)
        for side, folder in (("first", first), ("second", second))
    }
    verdict = change_between(rows, judged)
    asked = {"first": str(first), "second": str(second), "deltas": list(deltas), "fdr": fdr}
    if out is not None:
        marked = manifests[0]["config"].get("marked")
        run = open_run(
            out,
            "compare",
            {**asked, "marked": marked, "seed": 0},
            {
                "keys": manifests[0]["fingerprints"].get("keys"),
                "first": fingerprint(first / "scores.parquet"),
                "second": fingerprint(second / "scores.parquet"),
            },
        )
        if not run.finished:
            changes = pa.Table.from_pylist(_changes(one, other, fdr), CHANGES)
            write_bytes(out / "changes.parquet", table_bytes(changes))
            run.finish("changes.parquet")
        failed = sum({(row.reader, row.split): row.failed for row in rows}.values())
        figures = [_figure(row) for row in rows]
        write_results(out, run.manifest, figures, failed=failed, verdict=verdict)
    return {**asked, "rows": [asdict(row) for row in rows], "verdict": verdict.to_json()}


def _scores(folder: Path) -> pa.Table:
    path = folder / "scores.parquet"
    once = ("reader", "split", "id", "repeat")
    return read_table(path, SCORES, f'Run "solidmark score {folder}" again.', once=once)


def _figure(row: Paired) -> Figure:
    """A paired figure: the difference, and both sides beside it."""
    known = asdict(row)
    facts = {name: known.pop(name) for name in ("first", "second", "unpaired", "test")}
    value = known.pop("difference")
    return Figure(measure="solidmark", value=value, other="first", facts=facts, **known)


def _changes(first: pa.Table, second: pa.Table, fdr: float) -> list[dict[str, Any]]:
    """How far the keys of each image are read from the truth in both audits, repeats averaged."""
    sides = []
    for table in (first, second):
        found: dict[tuple[str, str, str], list[Any]] = {}
        for row in table.to_pylist():
            if row["status"] == "ok":
                found.setdefault((row["reader"], row["split"], row["id"]), []).append(row)
        sides.append(found)
    lines = []
    for key in sorted(sides[0].keys() & sides[1].keys()):
        pair = [side[key] for side in sides]
        one, other = (float(np.mean([row["distance"] for row in rows])) for rows in pair)
        named = [
            any(row["q_value"] is not None and row["q_value"] <= fdr for row in rows)
            for rows in pair
        ]
        values = (*key, one, other, other - one, *named)
        lines.append(dict(zip(CHANGES.names, values, strict=True)))
    return lines
