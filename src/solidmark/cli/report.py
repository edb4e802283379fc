"""`solidmark report OUT`."""

from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.answering import answer
from solidmark.cli.judging import verdict_of
from solidmark.cli.options import Config, Json, at_least


def report(
    out: Annotated[
        Path,
        typer.Argument(
            metavar="OUT",
            help="Folder that solidmark has scored: of audit, nearest, signals, invmm, compare ...",
        ),
    ],
    images: Annotated[
        bool, typer.Option(help="Show pictures of the data and their captions on the page.")
    ] = True,
    top: Annotated[
        int, typer.Option(help="How many images, or pairs, are shown.", callback=at_least(0))
    ] = 48,
    config: Config = None,
    json: Json = False,
) -> None:
    """Make the page: one file, report.html, that works offline.

    Example: solidmark report audit/ --no-images
    """
    from solidmark.reporting import write_report

    page = write_report(out, images=images, top=top)
    answer({"report": str(page)}, json, f"The page: {page}", verdict=verdict_of(out))
