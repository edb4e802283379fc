"""From the audits of all looks to the curve and one verdict; no model is needed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from solidmark.measures.audit import score
from solidmark.measures.watch.asking import made_in
from solidmark.measures.watch.looks import FILE, figures_of, rows_of, table_of
from solidmark.runs import (
    RESULTS,
    open_results,
    read_manifest,
    table_bytes,
    write_bytes,
    write_results,
)
from solidmark.scores import DELTAS, Correction, Statistic
from solidmark.verdicts.watched import judge_watch


def gather(out: Path) -> dict[str, Any]:
    """Puts the looks of a watch into `watch.parquet` and `results.json`, with one verdict.

    A look that is not scored yet is scored; the others stay as they are.

    Arguments:
        out: The folder of the watch.

    Returns:
        What is in `results.json`.
    """
    manifest = read_manifest(out)
    rows, figures, judged, chosen = [], [], [], {}
    for made in made_in(out):
        if not (made.folder / RESULTS).is_file():
            score(made.folder, look=made.look)
        results = open_results(made.folder)
        own = list(figures_of(made, results))
        figures += own
        rows += list(rows_of(made, results, own))
        judged.append((made.step, results.judged))
        scored = ("deltas", "fdr", "statistic", "correction")
        chosen = {name: results.config[name] for name in scored}
    write_bytes(out / FILE, table_bytes(table_of(rows)))
    return write_results(
        out,
        manifest,
        figures,
        failed=sum(one.failed for one in rows),
        verdict=judge_watch(judged, manifest["config"]["unit"]),
        chosen=chosen,
        looks=len(judged),
        files=(FILE,),
    )


def score_watch(
    out: Path,
    *,
    deltas: Sequence[float] = DELTAS,
    fdr: float = 0.05,
    statistic: Statistic = "l1",
    correction: Correction = "bh",
    marked: Path | None = None,
) -> dict[str, Any]:
    """Scores and judges every look of a watch anew, each at its part of the level.

    Arguments:
        out: The folder of the watch.
        deltas: As of `audit.score`.
        fdr: The same.
        statistic: The same.
        correction: The same.
        marked: The same.

    Returns:
        What is in `results.json`.

    Raises:
        NotFound: When a look has no evidence.
        WrongKeys: When the keys are not those of the watch.
    """
    chosen: dict[str, Any] = {"deltas": deltas, "fdr": fdr, "marked": marked}
    chosen |= {"statistic": statistic, "correction": correction}
    for made in made_in(out):
        score(made.folder, **chosen, look=made.look)
    return gather(out)
