"""The page: one file that needs nothing else, and the figures beside it."""

import base64
import hashlib
import re
from itertools import chain
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape

from solidmark.report import roundtrip, tables, words
from solidmark.report.figures import Drawing, draw, draw_round_trip
from solidmark.report.folder import Audit, open_audit
from solidmark.report.gallery import build_gallery
from solidmark.report.named import named_csv, named_lists
from solidmark.report.numbers import percent
from solidmark.report.verdict import LABELS, verdict
from solidmark.runs import write_bytes

HERE = Path(__file__).parent


def write_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html`, `named.csv` and `figures/` into an audit folder.

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
    for drawing in [*chain(*drawings.values()), *filter(None, [returned])]:
        write_bytes(folder / "figures" / f"{drawing.name}.svg", drawing.svg.encode())
        write_bytes(folder / "figures" / f"{drawing.name}.png", drawing.png)
    write_bytes(folder / "named.csv", named_csv(audit))
    context = _context(audit, images, top)
    context |= {"drawings": drawings, "round_trip": _round_trip(audit, returned)}
    page = folder / "report.html"
    # JSON may hold half of a surrogate pair, which no encoding can write.
    write_bytes(page, _render(context).encode("utf-8", "replace"))
    return page


def _context(audit: Audit, images: bool, top: int) -> dict[str, Any]:
    results, rows = audit.results, audit.rows
    rows_json = tables.all_rows(audit)
    found = verdict(rows, tables.reasons(audit))
    untrusted = {one.reader for one in found.readers if one.state == "untrusted"}
    return {
        "audit": audit,
        "images": images,
        "verdict": found,
        "fdr": f"{audit.fdr:g}",
        "fdr_percent": percent(audit.fdr),
        "labels": LABELS,
        "meanings": {name: words.reader(name) for name in audit.readers},
        "figures": {name: tables.key_figures(rows, name, audit.fdr) for name in audit.readers},
        "notes": {name: tables.notes(rows, name) for name in audit.readers},
        "calls": {name: tables.calls(rows, name) for name in audit.readers},
        "heads": {name: tables.heads(rows, name) for name in audit.readers},
        "named": named_lists(audit, images, untrusted),
        "gallery": build_gallery(audit, images, top),
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


def _render(context: dict[str, Any]) -> str:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["tight"] = _tight
    style = (HERE / "style.css").read_text(encoding="utf-8")
    script = (HERE / "table.js").read_text(encoding="utf-8")
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        f"img-src {'data:' if context['images'] else chr(39) + 'none' + chr(39)}; "
        "base-uri 'none'; form-action 'none'"
    )
    page = environment.get_template("page.html")
    return page.render(**context, style=Markup(style), script=Markup(script), policy=policy)


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode('ascii')}"


def _tight(text: str) -> Markup:
    """Keeps a p-value, or a number and its percent sign, on one line."""
    whole = re.compile(r"\bp (?:=|&lt;) [\d.e-]*\d|[\d.e-]*\d %")
    return Markup(whole.sub(r'<span class="whole">\g<0></span>', str(escape(text))))
