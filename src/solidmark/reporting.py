"""The scores and the page of a run folder, whichever command made it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from solidmark.errors import SolidmarkError
from solidmark.measures.audit import renew_inversions, score
from solidmark.measures.audit.comparing_page import compare_page
from solidmark.measures.audit.page import audit_page
from solidmark.measures.audit.scoring import INVMM
from solidmark.measures.copies.cliquepage import cliques_page
from solidmark.measures.copies.duplicatepage import duplicates_page
from solidmark.measures.inpaint import score_inpainting
from solidmark.measures.inpaint.page import inpaint_page
from solidmark.measures.intent import score_intent
from solidmark.measures.intent.page import intent_page
from solidmark.measures.invmm import score_invmm
from solidmark.measures.invmm.page import audit_section, invmm_page
from solidmark.measures.nearest import score_nearest
from solidmark.measures.nearest.page import nearest_page
from solidmark.measures.provenance import score_provenance
from solidmark.measures.provenance.page import provenance_page
from solidmark.measures.signals import score_signals
from solidmark.measures.signals.page import signals_page
from solidmark.measures.unmarked import combine, score_unmarked
from solidmark.measures.unmarked.page import PAGES as PARTS
from solidmark.measures.unmarked.page import unmarked_page
from solidmark.measures.watch import score_watch
from solidmark.measures.watch.page import watch_page
from solidmark.page.made import PAGE, made_in
from solidmark.page.rendering import write_page
from solidmark.page.sections import Page
from solidmark.runs import RESULTS, command_line, made_by, path_word, read_manifest, require_scored
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
    "provenance": provenance_page,
    "signals": signals_page,
    "study": study_page,
    "watch": watch_page,
    "unmarked": unmarked_page,
}
"""The pages of commands, by the command in the manifest; the others make an audit."""

SCORERS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "inpaint": score_inpainting,
    "intent": score_intent,
    "invmm": score_invmm,
    "nearest": score_nearest,
    "provenance": score_provenance,
    "signals": score_signals,
    "watch": score_watch,
    "unmarked": score_unmarked,
}
"""What scores their evidence anew; that of others, if any, is of an audit."""

SHOWN_BY = {("invmm", "audit"), ("signals", "invmm"), *((name, "unmarked") for name in PARTS)}
"""A run in a folder named after its command, and the run whose folder that lies in: the page of the
second shows results of the first."""


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
    command = str(read_manifest(folder)["command"])
    if command == "unmarked":  # What may stand on its page may stand on theirs.
        for part in (folder / name for name in PARTS):
            if (part / RESULTS).is_file():
                write_report(part, images=images, top=top)
    page = PAGES.get(command, _audit)(folder, images, top)
    require_scored(folder)  # Behind the page, which says what is missing or cannot be read.
    return write_page(folder, page, images=images, top=top)


def scorer_of(folder: Path) -> Callable[..., dict[str, Any]]:
    """What scores the evidence of a folder anew; no model is needed.

    Raises:
        NotFound: When there is no run.
        RunConflict: When it is not finished.
    """
    return SCORERS.get(str(read_manifest(folder)["command"]), score)


@dataclass(frozen=True)
class Renewed:
    """What became of the pages that show some results.

    Arguments:
        pages: Those that show them as they are now.
        stale: Those that do not, each with what to do, as a sentence.
    """

    pages: tuple[Path, ...]
    stale: tuple[str, ...]


def renew_pages(folder: Path) -> Renewed:
    """Makes the page of a run again, and those of runs that show it, as they were asked for.

    A page that is not there is not made. One that does not say whether it may show pictures is
    named and left alone: it might then show what it must not.

    Arguments:
        folder: The folder of a run that was scored anew.
    """
    pages: list[Path] = []
    stale: list[str] = []
    for place in _showing(folder):
        if not (place / PAGE).is_file():
            continue
        made = made_in(place)
        again = f'"{command_line("report", path_word(place))}" makes it again'
        if made is None:
            stale.append(f'"{place / PAGE}" shows what was scored before. {again}.')
            continue
        try:
            pages.append(write_report(place, images=made.images, top=made.top))
        except SolidmarkError as error:
            stale.append(f'"{place / PAGE}" shows what was scored before. {again}. {error}')
    return Renewed(tuple(pages), tuple(stale))


def _showing(folder: Path) -> list[Path]:
    """A folder, and the folders round it whose results or pages hold its results."""
    found = [folder]
    inner = folder.resolve()
    while (inner.name, made_by(inner.parent)) in SHOWN_BY:
        place = found[-1].parent if found[-1].name == inner.name else inner.parent
        if (place / RESULTS).is_file():
            if made_by(place) == "unmarked":
                combine(place)
            elif inner.name == "invmm":
                renew_inversions(place)
        found.append(place)
        inner = inner.parent
    return found
