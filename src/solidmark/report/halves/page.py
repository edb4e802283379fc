"""The page of an `inpaint` run: one file that needs nothing else, and the figures beside it."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

from solidmark.report.control import control_part
from solidmark.report.drawing import Drawing
from solidmark.report.halves import words
from solidmark.report.halves.cards import gallery
from solidmark.report.halves.rows import all_rows, failures
from solidmark.report.halves.run import HalvesRun, open_halves_run
from solidmark.report.numbers import percent
from solidmark.report.pairs.plots import histogram
from solidmark.report.pairs.tables import blocks
from solidmark.report.rendering import write_page
from solidmark.report.tables import how_made, script_json
from solidmark.runs import open_results


def write_inpaint_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` and `figures/` into the folder of an `inpaint` run.

    The page is one file: it asks nothing of any network, runs no code but its own, and holds the
    pictures it shows. The same folder gives the same bytes.

    Arguments:
        folder: The folder of the run. The truth is read from the marked folder; where that is
            gone, the page says so.
        images: Whether pictures of the data and their captions may stand on the page. Without
            them the page can be shown to people who must not see the data; ids stay.
        top: How many images are shown.

    Returns:
        The page.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When one of its files cannot be read.
    """
    halves = open_halves_run(folder)
    drawings = _drawings(halves)
    return write_page(
        folder,
        "halves.html",
        _context(halves, images, top) | {"drawings": drawings},
        images=images,
        top=top,
        drawings=drawings,
    )


def _drawings(halves: HalvesRun) -> list[Drawing]:
    """A histogram a measure, where any trained image was scored."""
    splits, title = ("trained", "held_out"), "how close images are inpainted"
    return [
        histogram(halves.run, measure, splits, title)
        for measure in halves.run.measures
        if halves.run.count(measure.name, "trained")
    ]


def _context(halves: HalvesRun, images: bool, top: int) -> dict[str, Any]:
    run, results = halves.run, halves.run.results
    rows = all_rows(halves)
    used = {str(row.get("statistic")) for row in results["rows"]}
    return {
        "halves": halves,
        "config": halves.config,
        "verdict": open_results(run.folder).judged,
        "control": control_part(run.folder, results, images, run.compared),
        "half": words.HALVES.get(str(halves.config.get("half")), "one"),
        "fdr": f"{run.fdr:g}",
        "fdr_percent": percent(run.fdr),
        "gallery": gallery(halves, images, top),
        "blocks": [(measure, blocks(run, measure, words.QUESTIONS)) for measure in run.measures],
        "table": rows,
        "table_json": Markup(script_json(rows)),
        "glossary": words.glossary(run.fdr, used),
        "failures": failures(halves),
        "failed_count": results.get("failed") or 0,
        "seed": results.get("seed", "not known"),
        "sections": how_made(results),
    }
