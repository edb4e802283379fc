"""`solidmark duplicates DATA OUT`."""

from typing import Annotated

from solidmark.cards import DISTANCES
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.options import Memory, Out, Pictures, Seed, Share, Whole
from solidmark.cli.searching import Embedded, Sized
from solidmark.cli.told import Choice


@command(Sized, Embedded)
def duplicates(
    asked: Asked,
    data: Annotated[str, "DATA"],
    out: Out,
    near: bool = True,
    embedder: Annotated[str | None, "NAME"] = None,
    above: Share = 0.9,
    distance: Annotated[list[str], "--distance", Choice("distance", tuple(DISTANCES))] = [],
    limit: Whole = None,
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
        near: Count re-encoded and resized copies as copies, or exact ones only.
        embedder: Count images as copies too that an embedder sees alike: {embedders}.
        above: How alike: similarity of at least this. It carries over to no other embedder: look at
            the groups.
        distance: Say how close each image comes to its nearest other one: {distances}; may be given
            again. It groups nothing.
        limit: At most so many images, the first by their ids.
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
