"""`solidmark cliques GENERATED OUT`."""

from typing import Annotated

from solidmark.cards.option import ABOVE_ZERO, at_least
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.options import BelowOne, FailOn, Out, Pictures, Seed, Whole
from solidmark.cli.searching import Embedded, Sized, Tiles


@command(Sized, Embedded)
def cliques(
    asked: Asked,
    generated: Annotated[str, "GENERATED"],
    out: Out,
    distance: Annotated[str, "NAME"] = "patched-l2",
    threshold: Annotated[float | None, ABOVE_ZERO] = None,
    calibrate: Annotated[bool, "--calibrate"] = False,
    fpr: BelowOne = 1e-4,
    least: Annotated[int, at_least(2)] = 10,
    repeats: Annotated[int, at_least(0)] = 99,
    tiles: Tiles = 4,
    prompt_column: Annotated[str | None, "NAME"] = None,
    limit: Whole = None,
    seed: Seed = 0,
    images: Pictures = True,
    fail_on: FailOn = [],
) -> None:
    """Find prompts that give back the same picture again and again.

    A sign of memory that needs neither keys nor the training set. Writes OUT/cliques.parquet,
    results.json and report.html.

    Example: solidmark cliques drawn/ cliques/ --calibrate

    Arguments:
        generated: Many generations of each prompt: a folder of solidmark generate --per-prompt, or
            any images with captions.
        distance: What two generations are compared by, not rescaled: patched-l2, l2, or an
            embedder: {embedders}.
        threshold: Generations within this distance are joined (embedders: 1 - similarity).
            [default: 0.15 for patched-l2, which was chosen for 512 pixels]
        calibrate: Set the threshold on pairs of generations of different prompts.
        fpr: The share of those pairs that a calibrated threshold lets through.
        least: Members of a suspicious clique.
        repeats: Draws of generations of different prompts that say what chance gives; 0 = none.
        prompt_column: Column that says whose prompt an image is of, else prompt_id, else the
            caption, else the class.
        limit: At most so many prompts, the first by their ids.
    """
    from solidmark.measures.copies import Extraction
    from solidmark.measures.copies import cliques as find

    wanted = asked.fill(Extraction)
    if asked.dry_run:
        wanted.open_distance()
        prompted = wanted.open_generated()
        return asked.plan(
            prompts=len(prompted.prompts),
            generations=sum(len(prompt.numbers) for prompt in prompted.prompts),
        )
    find(wanted)
    return asked.page()
