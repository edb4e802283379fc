"""The page of an audit: one file that needs nothing else, and the figures beside it."""

from itertools import chain
from pathlib import Path
from typing import Any

from markupsafe import Markup

from solidmark.report import roundtrip, tables, words
from solidmark.report.drawing import Drawing
from solidmark.report.figures import draw, draw_round_trip
from solidmark.report.folder import Audit, open_audit
from solidmark.report.gallery import build_gallery
from solidmark.report.inversions import inversion_section
from solidmark.report.knowing import knowing_section
from solidmark.report.named import named_lists
from solidmark.report.numbers import percent
from solidmark.report.rendering import write_page


def write_audit_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` and `figures/` into an audit folder.

    The page is one file: it asks nothing of any network, runs no code but its own, and holds the
    pictures it shows. The same folder gives the same bytes.

    Arguments:
        folder: The audit folder.
        images: Whether pictures of the data and their captions may stand on the page. Without
            them the page can be shown to people who must not see the data; ids stay.
        top: How many images the gallery shows.

    Returns:
        The page.

    Raises:
        NotFound: When the folder is not a finished audit.
        BadInput: When one of its files cannot be read.
    """
    audit = open_audit(folder)
    drawings = draw(audit)
    returned = None if audit.round_trip is None else draw_round_trip(audit.round_trip)
    figures = {"drawings": drawings, "round_trip": _round_trip(audit, returned)}
    return write_page(
        folder,
        "audit.html",
        _context(audit, images, top) | figures,
        images=images,
        top=top,
        drawings=[*chain(*drawings.values()), *filter(None, [returned])],
    )


def _context(audit: Audit, images: bool, top: int) -> dict[str, Any]:
    results, rows = audit.results, audit.rows
    rows_json = tables.all_rows(audit)
    found = audit.verdict
    return {
        "audit": audit,
        "verdict": found,
        "opened": [one for one in results.get("notes") or [] if one not in found.details],
        "fdr": f"{audit.fdr:g}",
        "fdr_percent": percent(audit.fdr),
        "meanings": {name: words.reader(name) for name in audit.readers},
        "figures": {name: tables.key_figures(rows, name, audit.fdr) for name in audit.readers},
        "notes": {name: tables.notes(rows, name) for name in audit.readers},
        "calls": {name: tables.calls(rows, name) for name in audit.readers},
        "heads": {name: tables.heads(rows, name) for name in audit.readers},
        "named": named_lists(audit, images),
        "knowing": knowing_section(audit, images),
        "gallery": build_gallery(audit, images, top),
        "inversions": inversion_section(audit.folder / "invmm", images=images),
        "table": rows_json,
        "table_json": Markup(tables.script_json(rows_json)),
        "glossary": [
            line
            for line in words.glossary(audit.fdr)
            if audit.round_trip is not None or line[0] != "round_trip"
        ],
        "failures": tables.failures(audit),
        "quarantined": audit.marked.quarantined,
        "quarantined_count": _count(results.get("quarantined"), audit.marked.quarantined),
        "failed_count": _count(results.get("failed"), []),
        "memory": words.memory(results.get("memory")),
        "sections": [
            ("Configuration", list(tables.flat(results.get("config") or {}))),
            ("Calibration", list(tables.flat(audit.calibration))),
            ("Versions", list(tables.flat(results.get("versions") or {}))),
            ("Fingerprints", list(tables.flat(results.get("fingerprints") or {}))),
        ],
    }


def _round_trip(audit: Audit, drawing: Drawing | None) -> dict[str, Any] | None:
    """The section on the autoencoder; None for a model of pixels."""
    if audit.round_trip is None:
        return None
    return {
        "drawing": drawing,
        "sentences": roundtrip.sentences(audit.round_trip, audit.readers),
        "warning": roundtrip.warning(audit.round_trip),
    }


def _count(value: Any, known: Any) -> int:
    """A count that the results hold as a number or as a list."""
    if isinstance(value, int):
        return value
    return len(value) if isinstance(value, list | dict) else len(known)
