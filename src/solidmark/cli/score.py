"""`solidmark score OUT`."""

from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.options import Config, Json, a_share, show, within


def score(
    out: Annotated[
        Path,
        typer.Argument(metavar="OUT", help="Folder of solidmark observe or solidmark audit."),
    ],
    delta: Annotated[
        list[float] | None,
        typer.Option(
            metavar="NUMBER",
            help="An image counts as memorized (eidetic) when its key is read within this "
            "distance, in (0, 1]; may be given again.  [default: 0.1, 0.05, 0.01, 0.005]",
            callback=a_share,
        ),
    ] = None,
    fdr: Annotated[
        float,
        typer.Option(
            help="False-discovery rate at which images are named.",
            callback=within("above 0 and below 1", lambda number: 0 < number < 1),
        ),
    ] = 0.05,
    marked: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="The marked folder, if it has been moved since."),
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Score what was observed; no model is needed.

    Writes OUT/scores.parquet, a row an image, and OUT/results.json. "solidmark report" goes on.

    Example: solidmark score audit/ --delta 0.1 --delta 0.02
    """
    from solidmark.audit import score as score_evidence
    from solidmark.scores import DELTAS

    results = score_evidence(out, deltas=delta or DELTAS, fdr=fdr, marked=marked)
    show(results, json, f"{out / 'scores.parquet'}", f"{out / 'results.json'}")
