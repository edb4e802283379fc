"""The page of a `signals` run: one file that needs nothing else, and the figures beside it."""

from pathlib import Path
from typing import Any

from markupsafe import Markup

from solidmark.report.control import control_part
from solidmark.report.numbers import percent
from solidmark.report.pairs.tables import blocks
from solidmark.report.rendering import write_page
from solidmark.report.signals import words
from solidmark.report.signals.cards import gallery
from solidmark.report.signals.plots import drawings_of
from solidmark.report.signals.rows import all_rows, failures
from solidmark.report.signals.run import SignalsRun, open_signals_run, statistics_of
from solidmark.report.signals.section import signals_section
from solidmark.report.tables import how_made, script_json
from solidmark.runs import read_verdict


def write_signals_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` and `figures/` into the folder of a `signals` run.

    The page is one file: it asks nothing of any network, runs no code but its own, and holds the
    pictures it shows. The same folder gives the same bytes.

    Arguments:
        folder: The folder of the run.
        images: Whether pictures of the data and their captions may stand on the page. Without
            them the page can be shown to people who must not see the data; ids stay.
        top: How many images are shown. The run keeps the pictures of the 48 most suspicious ones
            by each signal; of others the page says that they cannot be shown.

    Returns:
        The page.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When one of its files cannot be read.
    """
    signals = open_signals_run(folder)
    drawings = drawings_of(signals)
    return write_page(
        folder,
        "signals.html",
        _context(signals, images, top) | {"drawings": drawings},
        images=images,
        top=top,
        drawings=drawings,
    )


def _context(signals: SignalsRun, images: bool, top: int) -> dict[str, Any]:
    run, results = signals.run, signals.run.results
    rows = all_rows(signals, images)
    return {
        "signals": signals,
        "config": signals.config,
        "verdict": read_verdict(run.folder),
        "control": control_part(run.folder, results, images, run.compared),
        "fdr": f"{run.fdr:g}",
        "fdr_percent": percent(run.fdr),
        "section": signals_section([*results["rows"], *signals.agreement], signals.left_out),
        "gallery": gallery(signals, images, top),
        "blocks": [(one, blocks(run, one, words.QUESTIONS)) for one in signals.measures],
        "table": rows,
        "table_json": Markup(script_json(rows)),
        "glossary": words.glossary(run.fdr, statistics_of(signals)),
        "failures": failures(signals),
        "failed_count": results.get("failed") or 0,
        "shared": [
            (
                one.title,
                signals.copies(one.name, "trained"),
                signals.copies(one.name, "held_out"),
                signals.states(one.name, "held_out", "excluded"),
            )
            for one in signals.measures
        ],
        "seed": results.get("seed", "not known"),
        "sections": how_made(results, "Signals"),
    }
