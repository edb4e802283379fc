"""The page of a `nearest` run: one file that needs nothing else, and the figures beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

from markupsafe import Markup

from solidmark.report.control import control_part
from solidmark.report.drawing import Drawing
from solidmark.report.numbers import percent
from solidmark.report.pairs import tables, words
from solidmark.report.pairs.cards import ranked
from solidmark.report.pairs.monochrome import monochrome
from solidmark.report.pairs.plots import (
    PERCENTILE,
    drawings_by_measure,
    percentile_plot,
    thresholds,
)
from solidmark.report.pairs.returned import returned
from solidmark.report.pairs.rows import all_rows, failures
from solidmark.report.pairs.run import NearestRun, open_nearest_run
from solidmark.report.rendering import write_page
from solidmark.report.tables import how_made, script_json
from solidmark.runs import open_results
from solidmark.scores import percentile_blindness


@dataclass(frozen=True)
class Blindness:
    """What the 95th percentile of one measure does not see.

    Arguments:
        title: The measure.
        said: The warning.
        drawing: The figure.
    """

    title: str
    said: str
    drawing: Drawing


def write_nearest_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` and `figures/` into the folder of a `nearest` run.

    The page is one file: it asks nothing of any network, runs no code but its own, and holds the
    pictures it shows. The same folder gives the same bytes.

    Arguments:
        folder: The folder of the run.
        images: Whether pictures of the data and their captions may stand on the page. Without
            them the page can be shown to people who must not see the data; ids stay.
        top: How many pairs of each measure are shown.

    Returns:
        The page.

    Raises:
        NotFound: When the folder is not a finished run.
        BadInput: When one of its files cannot be read.
    """
    run = open_nearest_run(folder)
    drawings = drawings_by_measure(run)
    blind = _blindness(run)
    return write_page(
        folder,
        "nearest.html",
        _context(run, images, top) | {"drawings": drawings, "blindness": blind},
        images=images,
        top=top,
        drawings=[*chain(*drawings.values()), *(one.drawing for one in blind)],
    )


def _context(run: NearestRun, images: bool, top: int) -> dict[str, Any]:
    results = run.results
    rows = all_rows(run, images)
    told, warnings = tables.changed_copies(run)
    used = {str(row.get("statistic")) for row in results["rows"]}
    quarantined = results.get("quarantined")
    return {
        "run": run,
        "verdict": open_results(run.folder).judged,
        "control": control_part(run.folder, results, images, run.compared),
        "fdr": f"{run.fdr:g}",
        "fdr_percent": percent(run.fdr),
        "ranked": ranked(run, images, top),
        "returned": returned(run, images, top),
        "monochrome": monochrome(run, images),
        "blocks": [(measure, tables.blocks(run, measure)) for measure in run.measures],
        "told": told,
        "told_count": next((row["n"] for row in results["rows"] if row.get("change")), 0),
        "told_warnings": warnings,
        "table": rows,
        "table_json": Markup(script_json(rows)),
        "glossary": words.glossary(run.fdr, used),
        "failures": failures(run),
        "failed_count": results.get("failed") or 0,
        "excluded_count": results.get("excluded") or 0,
        "quarantined_count": _count(quarantined),
        "percentile": PERCENTILE,
        "sections": how_made(results),
    }


def _blindness(run: NearestRun) -> list[Blindness]:
    """Where the 95th percentile overlooks generations that a threshold counts."""
    found = []
    for measure in run.measures:
        values = run.distances(measure.name, "generated")
        if measure.is_similarity:
            values = 1 - values
        for threshold in _limits(run, measure):
            said = percentile_blindness(values, threshold, PERCENTILE, measure.direction)
            if said is not None:
                drawing = percentile_plot(run, measure, threshold)
                said = f"{said} {_by_chance(run, measure, threshold)}".strip()
                found.append(Blindness(measure.title, said, drawing))
                break
    return found


def _by_chance(run: NearestRun, measure: words.Measure, threshold: float) -> str:
    for row in run.find(measure.name, "generated", "eidetic"):
        if row.get("threshold") == threshold and row.get("chance") is not None:
            return f"(By chance about {row['chance'] * row['n']:.2g} lie within it.)"
    return ""


def _limits(run: NearestRun, measure: words.Measure) -> Sequence[float]:
    """The calibrated thresholds; those of papers where there are none."""
    own = [value for value, _ in thresholds(run, measure, "generated")]
    fixed = run.find(measure.name, "generated", "eidetic")
    return own or [float(row["threshold"]) for row in fixed if not row.get("fpr")]


def _count(value: Any) -> int:
    """A count that the results hold as a number or as a list."""
    if isinstance(value, int):
        return value
    return len(value) if isinstance(value, list | dict) else 0
