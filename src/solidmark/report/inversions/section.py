"""What an audit's page says of the `invmm` run in its folder."""

from dataclasses import dataclass
from pathlib import Path

from solidmark.report.inversions.cards import Gallery, gallery
from solidmark.report.inversions.run import open_inversions_run
from solidmark.runs import Verdict, open_results

SHOWN, COMPARED = 6, 3
"""So many trained and held-out images stand on the page of the audit."""


@dataclass(frozen=True)
class InversionSection:
    """InvMM on the page of an audit.

    Arguments:
        verdict: What it says.
        gallery: The most suspicious images.
        page: Where its own page lies, from the audit's folder.
    """

    verdict: Verdict
    gallery: Gallery
    page: str


def inversion_section(folder: Path, *, images: bool = True) -> InversionSection | None:
    """What an audit's page says of the `invmm` run in its folder.

    Arguments:
        folder: The folder of the `invmm` run, below that of the audit.
        images: Whether pictures, captions and prompts may stand on the page.

    Returns:
        The section; None where there is no run with results.

    Raises:
        RunConflict: When the run is not finished, or of another command.
        BadInput: When one of its files cannot be read.
    """
    if not (folder / "results.json").is_file():
        return None
    run = open_inversions_run(folder)
    return InversionSection(
        open_results(folder).judged,
        gallery(run, images, SHOWN, COMPARED),
        f"{folder.name}/report.html",
    )
