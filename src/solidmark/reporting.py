"""The page of a run folder, whichever command made it."""

from collections.abc import Callable, Mapping
from pathlib import Path

from solidmark.measures.audit.comparing_page import write_compare_report
from solidmark.measures.audit.page import write_audit_report
from solidmark.measures.audit.scoring import INVMM
from solidmark.measures.copies.cliquepage import write_cliques_report
from solidmark.measures.copies.duplicatepage import write_duplicates_report
from solidmark.measures.inpaint.page import write_inpaint_report
from solidmark.measures.intent.page import write_intent_report
from solidmark.measures.invmm.page import audit_section, write_invmm_report
from solidmark.measures.nearest.page import write_nearest_report
from solidmark.measures.signals.page import write_signals_report
from solidmark.runs import read_json
from solidmark.studies.page import write_study_report

PAGES: Mapping[str, Callable[..., Path]] = {
    "cliques": write_cliques_report,
    "compare": write_compare_report,
    "duplicates": write_duplicates_report,
    "inpaint": write_inpaint_report,
    "intent": write_intent_report,
    "invmm": write_invmm_report,
    "nearest": write_nearest_report,
    "signals": write_signals_report,
    "study": write_study_report,
}
"""The pages of commands, by the command in the manifest; the others make an audit."""


def write_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html`, `named.csv` and `figures/` into the folder of a run.

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
    return PAGES.get(_command(folder), _audit)(folder, images=images, top=top)


def _audit(folder: Path, *, images: bool, top: int) -> Path:
    """The page of an audit, with what an InvMM run in its folder says."""
    beside = audit_section(folder / INVMM, images=images)
    return write_audit_report(folder, images=images, top=top, more=[beside] if beside else [])


def _command(folder: Path) -> str:
    path = folder / "manifest.json"
    manifest = read_json(path) if path.is_file() else None
    return str(manifest.get("command")) if isinstance(manifest, dict) else ""
