"""`solidmark score OUT`."""

from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.options import Config, Json, show


def score(
    out: Annotated[Path, typer.Argument(help="Folder of solidmark observe or audit.")],
    delta: Annotated[
        list[float] | None,
        typer.Option(help="Threshold of the eidetic counts; may be given again."),
    ] = None,
    fdr: Annotated[float, typer.Option(help="False-discovery rate of the named images.")] = 0.05,
    marked: Annotated[
        Path | None, typer.Option(help="The marked folder, if it has moved since.")
    ] = None,
    config: Config = None,
    json: Json = False,
) -> None:
    """Score what was observed: scores.parquet and results.json. No model is needed.

    Example: solidmark score audit/ --delta 0.1 --delta 0.02
    """
    from solidmark.audit import score as score_evidence
    from solidmark.scores import DELTAS

    results = score_evidence(out, deltas=delta or DELTAS, fdr=fdr, marked=marked)
    show(results, json, f"{out / 'scores.parquet'}", f"{out / 'results.json'}")
