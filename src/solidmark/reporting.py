"""The page of a run folder, whichever command made it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from solidmark.measures.audit.comparing_page import compare_page
from solidmark.measures.audit.page import audit_page
from solidmark.measures.audit.scoring import INVMM
from solidmark.measures.copies.cliquepage import cliques_page
from solidmark.measures.copies.duplicatepage import duplicates_page
from solidmark.measures.inpaint.page import inpaint_page
from solidmark.measures.intent.page import intent_page
from solidmark.measures.invmm.page import audit_section, invmm_page
from solidmark.measures.nearest.page import nearest_page
from solidmark.measures.signals.page import signals_page
from solidmark.page.rendering import write_page
from solidmark.page.sections import Page
from solidmark.runs import read_json
from solidmark.studies.page import study_page


class Maker(Protocol):
    """Makes the page of a command.

    Arguments:
        folder: The folder of the run.
        images: Whether pictures of the data and their captions may stand on the page; ids stay.
        top: How many images are shown. A run keeps the pictures of the 48 most suspicious ones; of
            others the page says that they cannot be shown.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished.
        BadInput: When one of its files cannot be read, or its results hold no verdict.
    """

    def __call__(self, folder: Path, images: bool, top: int) -> Page: ...


def _audit(folder: Path, images: bool, top: int) -> Page:
    """The page of an audit, with what an InvMM run in its folder says."""
    beside = audit_section(folder / INVMM, images=images)
    return audit_page(folder, images, top, [beside] if beside else [])


PAGES: Mapping[str, Maker] = {
    "cliques": cliques_page,
    "compare": compare_page,
    "duplicates": duplicates_page,
    "inpaint": inpaint_page,
    "intent": intent_page,
    "invmm": invmm_page,
    "nearest": nearest_page,
    "signals": signals_page,
    "study": study_page,
}
"""The pages of commands, by the command in the manifest; the others make an audit."""


def write_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` and `figures/` into the folder of a run.

    Arguments:
        folder: The folder of an audit, or of one of the commands of `PAGES`.
        images: Whether pictures of the data and their captions may stand on the page. Without
            them the page can be shown to people who must not see the data; ids stay.
        top: How many images, pairs of each measure, or groups are shown.

    Returns:
        The page.

    Raises:
        NotFound: When the folder is not a finished run.
        BadInput: When one of its files cannot be read.
    """
    path = folder / "manifest.json"
    manifest = read_json(path) if path.is_file() else None
    command = str(manifest.get("command")) if isinstance(manifest, dict) else ""
    page = PAGES.get(command, _audit)(folder, images, top)
    return write_page(folder, page, images=images, top=top)
