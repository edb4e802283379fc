"""A page that follows its results: what scores anew leaves no page that says something else."""

from dataclasses import dataclass
from pathlib import Path

from solidmark.errors import SolidmarkError
from solidmark.runs import command_line, made_by, path_word

SHOWN_BY = {("invmm", "audit"), ("signals", "invmm")}
"""A run in a folder named after its command, and the run whose folder that lies in: the page of the
second shows results of the first."""


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
    from solidmark.page.made import PAGE, made_in
    from solidmark.reporting import write_report

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
        if inner.name == "invmm" and (place / "results.json").is_file():
            from solidmark.measures.audit import renew_inversions

            renew_inversions(place)
        found.append(place)
        inner = inner.parent
    return found
