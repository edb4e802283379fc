"""`solidmark score OUT`."""

from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.options import Config, Fdr, Json, a_share, one_of, show

STATISTICS = ("l1", "fisher", "energy")
CORRECTIONS = ("bh", "by")


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
    fdr: Fdr = 0.05,
    statistic: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What a p-value ranks: l1 (the distance), fisher (the p-values of the single "
            "keys, multiplied) or energy (the energies of the single keys, added; for readers "
            "that keep them).",
            callback=one_of("statistic", STATISTICS),
        ),
    ] = "l1",
    correction: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="For looking at many images: bh (Benjamini-Hochberg) or by "
            "(Benjamini-Yekutieli, whatever the dependence between images).",
            callback=one_of("correction", CORRECTIONS),
        ),
    ] = "bh",
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
    from typing import cast

    from solidmark.audit import score as score_evidence
    from solidmark.scores import DELTAS, Correction, Statistic

    results = score_evidence(
        out,
        deltas=delta or DELTAS,
        fdr=fdr,
        statistic=cast(Statistic, statistic),
        correction=cast(Correction, correction),
        marked=marked,
    )
    show(results, json, f"{out / 'scores.parquet'}", f"{out / 'results.json'}")
