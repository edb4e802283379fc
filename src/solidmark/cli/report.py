"""`solidmark report OUT`."""

from pathlib import Path
from typing import Annotated

from solidmark.cards.option import at_least
from solidmark.cli.asked import Asked
from solidmark.cli.command import Reread, command
from solidmark.cli.options import Pictures


@command(ends=Reread)
def report(
    asked: Asked,
    out: Annotated[Path, "OUT"],
    images: Pictures = True,
    top: Annotated[int, at_least(0)] = 48,
) -> None:
    """Make the page: one file, report.html, that works offline.

    Example: solidmark report audit/ --no-images

    Arguments:
        out: Folder that solidmark has scored: of audit, nearest, signals, invmm, compare ...
        top: How many images, or pairs, are shown.
    """
    from solidmark.reporting import write_report
    from solidmark.runs import open_results

    page = write_report(out, images=images, top=top)
    asked.answer({"report": str(page)}, f"The page: {page}", verdict=open_results(out).verdict)
