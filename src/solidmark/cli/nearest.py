"""`solidmark nearest GENERATED TRAINING OUT`."""

from typing import Annotated, Any

import typer

from solidmark.cards import DISTANCES
from solidmark.cards.embedders import NAMED
from solidmark.cli.answering import FailOn, answer
from solidmark.cli.judging import judged
from solidmark.cli.options import (
    Fdr,
    Out,
    Pictures,
    Seed,
    TrustControl,
    at_least,
    below_one,
    ended,
    one_of,
    require_free,
    save_config,
    show_plan,
)
from solidmark.cli.searching import Memory, embedded, rescaled, search_of, sized
from solidmark.cli.sharing import shares

NULLS = ("held-out", "train")
FEATURES = ("authpct", "ct", "mifid")

Rates = Annotated[
    list[float],
    typer.Option(
        "--fpr",
        metavar="NUMBER",
        help="False-positive rate at which a threshold is calibrated on held-out images; may be "
        "given again.",
        callback=below_one,
    ),
]
HeldOut = Annotated[
    str | None,
    typer.Option(
        metavar="DATA",
        help="Images of the same kind that the model never saw: what is close is judged by them. "
        "Those of a marked folder are taken when not given.",
    ),
]
Training = Annotated[
    str,
    typer.Argument(
        metavar="TRAINING",
        help="What the model was trained on: any data that solidmark mark takes, or a folder of "
        "solidmark mark, whose frames are cut off and whose held-out half is the control.",
    ),
]


@shares(rescaled, sized, embedded, ended)
def nearest(
    context: typer.Context,
    generated: Annotated[
        str,
        typer.Argument(
            metavar="GENERATED",
            help="What the model drew: a folder of solidmark generate, or any images.",
        ),
    ],
    training: Training,
    out: Out,
    distance: Annotated[
        list[str],
        typer.Option(
            "--distance",
            metavar="NAME",
            help=f"{', '.join(DISTANCES)}, or an embedder: {NAMED}; may be given again.",
        ),
    ] = list(DISTANCES),
    held_out: HeldOut = None,
    null: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="What is close is judged by: held-out, how close held-out images come to the "
            "training images; train, how close those come to one another.",
            callback=one_of("null", NULLS),
        ),
    ] = "held-out",
    fpr: Rates = [0.01],
    fdr: Fdr = 0.05,
    trust_control: TrustControl = False,
    per_image: Annotated[
        bool,
        typer.Option(help="Ask too how close a generation comes to each training image."),
    ] = True,
    neighbours: Annotated[
        int, typer.Option(help="Neighbours kept of each generation.", callback=at_least(1))
    ] = 10,
    feature: Annotated[
        list[str],
        typer.Option(
            "--feature",
            metavar="NAME",
            help="Statistics of the field to add: authpct, ct, mifid; may be given again.",
            callback=one_of("feature", FEATURES),
        ),
    ] = [],
    limit: Annotated[
        int | None,
        typer.Option(
            help="At most so many images of each side, the first by their ids.",
            callback=at_least(1),
        ),
    ] = None,
    seed: Seed = 0,
    images: Pictures = True,
    memory: Memory = 2**30,
    fail_on: FailOn = [],
    **asked: Any,
) -> None:
    """Find the nearest training image of every generation.

    Says whether it is too near; and, turned round, how near a generation comes to every training
    image: which of them come back. Writes OUT/scores.parquet, images.parquet, results.json and
    report.html.

    Example: solidmark nearest generated/ marked/ nearest/ --distance l2 --distance patched-l2
    """
    require_free(out, "nearest")
    from solidmark.nearest import Comparison
    from solidmark.nearest import nearest as compare

    comparison = Comparison(
        generated,
        training,
        out,
        distances=tuple(distance),
        held_out=held_out,
        null=null,
        fprs=tuple(fpr),
        fdr=fdr,
        neighbours=neighbours,
        per_image=per_image,
        features=tuple(feature),
        limit=limit,
        seed=seed,
        memory=memory,
        trust_control=trust_control,
        **search_of(asked),
    )
    if asked["dry_run"]:
        sides = comparison.open_sides()
        comparison.open_distances()
        other = 0 if sides.held_out is None else len(sides.held_out)
        return show_plan(
            context,
            generated_images=len(sides.generated),
            training_images=len(sides.training),
            held_out_images=other,
            device_found=comparison.device,
        )
    from solidmark.pages import write_report
    from solidmark.runs import Processes, read_results

    compare(comparison)
    if not Processes.here().is_main:
        return None
    page = write_report(out, images=images)
    save_config(context, out)
    verdict = judged(out)
    lines = [f"{one.title}: {one.headline}" for one in verdict.findings]
    return answer(
        read_results(out),
        asked["json"],
        *lines,
        f"The page: {page}",
        verdict=verdict,
        fail_on=fail_on,
    )
