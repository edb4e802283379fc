"""`solidmark nearest GENERATED TRAINING OUT`."""

from typing import Annotated

from solidmark.cards import DISTANCES
from solidmark.cards.asked import Compared, Hashed, Sized, Sought
from solidmark.cards.option import BELOW_ONE, Choice
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.opening import Handed
from solidmark.cli.options import (
    FailOn,
    Fdr,
    Memory,
    Out,
    Pictures,
    Seed,
    TrustControl,
)
from solidmark.cli.searching import RESCALED, Embedded, HeldOut
from solidmark.cli.told import argument, option

FEATURES = ("authpct", "ct", "mifid")

Rates = Annotated[
    list[float],
    option(
        "False-positive rate at which a threshold is calibrated on held-out images; may be given "
        "again.",
        *("--fpr", "NUMBER", BELOW_ONE),
    ),
]
Training = Annotated[
    str,
    argument(
        "What the model was trained on: any data that solidmark mark takes, or a folder of "
        "solidmark mark, whose frames are cut off and whose held-out half is the control.",
        "TRAINING",
    ),
]
Distances = Annotated[list[str], "--distance", "NAME"]


@command(
    Compared, RESCALED, Sized, Hashed, Sought, Embedded, Handed, matter=("distance", "held_out")
)
def nearest(
    asked: Asked,
    generated: Annotated[str, "GENERATED"],
    training: Training,
    out: Out,
    distance: Distances = list(DISTANCES),
    held_out: HeldOut = None,
    fpr: Rates = [0.01],
    fdr: Fdr = 0.05,
    trust_control: TrustControl = False,
    feature: Annotated[list[str], "--feature", Choice("feature", FEATURES)] = [],
    seed: Seed = 0,
    images: Pictures = True,
    memory: Memory = 2**30,
    fail_on: FailOn = [],
) -> None:
    """Find the nearest training image of every generation.

    Says whether it is too near; and, turned round, how near a generation comes to every training
    image: which of them come back. Writes OUT/scores.parquet, images.parquet, results.json and
    report.html.

    Example: solidmark nearest generated/ marked/ nearest/ --distance l2 --distance patched-l2

    Arguments:
        generated: What the model drew: a folder of solidmark generate, or any images.
        distance: {distances}, or an embedder: {embedders}; may be given again.
        feature: Statistics of the field to add: authpct, ct, mifid; may be given again.
    """
    from solidmark.measures.nearest import Comparison
    from solidmark.measures.nearest import nearest as compare

    comparison = asked.fill(Comparison)
    if asked.dry_run:
        sides = comparison.open_sides()
        comparison.open_distances()
        other = 0 if sides.held_out is None else len(sides.held_out)
        return asked.plan(
            generated_images=len(sides.generated),
            training_images=len(sides.training),
            held_out_images=other,
        )
    compare(comparison)
    return asked.page(one_by_one=True)
