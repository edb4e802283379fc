"""`solidmark cliques GENERATED OUT`."""

from typing import Annotated

from solidmark.cards.asked import Extracted, Sized
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.options import FailOn, Out, Pictures, Seed
from solidmark.cli.searching import Embedded, Tiles


@command(Extracted, Sized, Embedded)
def cliques(
    asked: Asked,
    generated: Annotated[str, "GENERATED"],
    out: Out,
    tiles: Tiles = 4,
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
