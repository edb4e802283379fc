"""The page of an `invmm` run: one file that needs nothing else, and the figures beside it."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

from solidmark.report.control import control_part
from solidmark.report.inversions import tables, words
from solidmark.report.inversions.beside import comparison
from solidmark.report.inversions.cards import gallery
from solidmark.report.inversions.facts import InversionFacts
from solidmark.report.inversions.plots import draw
from solidmark.report.inversions.rows import all_rows, failures
from solidmark.report.inversions.run import InversionsRun, open_inversions_run
from solidmark.report.numbers import percent
from solidmark.report.rendering import write_page
from solidmark.report.tables import flat, script_json
from solidmark.runs import open_results


def write_inversions_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` and `figures/` into the folder of an `invmm` run.

    The page is one file: it asks nothing of any network, runs no code but its own, and holds the
    pictures it shows. The same folder gives the same bytes.

    Arguments:
        folder: The folder of the run.
        images: Whether pictures of the data, their captions and the prompts found for them may
            stand on the page. Without them the page can be shown to people who must not see the
            data; ids stay.
        top: How many trained images are shown.

    Returns:
        The page.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When one of its files cannot be read.
    """
    run = open_inversions_run(folder)
    drawings = draw(run)
    return write_page(
        folder,
        "inversions.html",
        _context(run, images, top) | {"drawings": drawings},
        images=images,
        top=top,
        drawings=drawings,
    )


def _context(run: InversionsRun, images: bool, top: int) -> dict[str, Any]:
    facts, results = InversionFacts(run), run.results
    rows = all_rows(run, images)
    return {
        "run": run,
        "verdict": open_results(run.folder).judged,
        "control": control_part(run.folder, results, images, bool(facts.m)),
        "fdr": f"{run.fdr:g}",
        "fdr_percent": percent(run.fdr),
        "heads": tables.heads(facts),
        "outcomes": tables.outcomes(facts),
        "gallery": gallery(run, images, top),
        "cost": tables.cost(run),
        "beside": comparison(run),
        "table": rows,
        "table_json": Markup(script_json(rows)),
        "glossary": words.glossary(run.fdr),
        "failures": failures(run),
        "seed": results.get("seed", run.config.get("seed", "not known")),
        "sections": [
            (title, list(flat(found or {})))
            for title, found in (
                ("Configuration", run.config),
                ("Similarity", results.get("similarity")),
                ("Similarity needed", run.threshold),
                ("Measures", results.get("measures")),
                ("Memory", results.get("memory")),
                ("Versions", run.manifest.get("versions")),
                ("Fingerprints", run.manifest.get("fingerprints")),
            )
        ],
    }
