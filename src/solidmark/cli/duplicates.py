"""`solidmark duplicates DATA OUT`."""

from typing import Annotated

from solidmark.cards import DISTANCES
from solidmark.cards.asked import Deduplicated, Hashed, Sized, Sought
from solidmark.cards.option import Choice
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.opening import Handed
from solidmark.cli.options import Memory, Out, Pictures, Seed
from solidmark.cli.searching import Embedded


@command(Deduplicated, Sized, Hashed, Sought, Embedded, Handed)
def duplicates(
    asked: Asked,
    data: Annotated[str, "DATA"],
    out: Out,
    distance: Annotated[list[str], "--distance", Choice("distance", tuple(DISTANCES))] = [],
    seed: Seed = 0,
    images: Pictures = True,
    memory: Memory = 2**30,
) -> None:
    """Find the copies in a training set, and say which to remove.

    Writes OUT/remove.txt, the ids to remove; duplicates.parquet, results.json and report.html.

    Example: solidmark duplicates photos/ duplicates/

    Arguments:
        data: A training set: any data that solidmark mark takes, or a folder of solidmark mark, of
            which the training half is taken, without the frames.
        distance: Say how close each image comes to its nearest other one: {distances}; may be given
            again. It groups nothing.
    """
    from solidmark.measures.copies import Deduplication
    from solidmark.measures.copies import duplicates as find

    wanted = asked.fill(Deduplication)
    if asked.dry_run:
        wanted.open_distances()
        return asked.plan(images=len(wanted.open_data()))
    find(wanted)
    removed = out / "remove.txt"
    some = removed.is_file() and removed.stat().st_size
    return asked.page(*[f"Ids to remove: {removed}"] * bool(some))
