"""`solidmark index TRAINING INDEX`."""

from pathlib import Path
from typing import Annotated

from solidmark.cards import DISTANCES
from solidmark.cards.asked import Hashed, Sized, Sought
from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_indexing
from solidmark.cli.nearest import Distances, Rates, Training
from solidmark.cli.opening import Handed
from solidmark.cli.options import Memory, Whole
from solidmark.cli.searching import RESCALED, Embedded, HeldOut


@command(RESCALED, Sized, Hashed, Sought, Embedded, Handed)
def index(
    asked: Asked,
    training: Training,
    out: Annotated[Path, "INDEX"],
    distance: Distances = list(DISTANCES),
    held_out: HeldOut = None,
    fpr: Rates = [0.01],
    pictures: Annotated[bool, "--pictures"] = False,
    limit: Whole = None,
    memory: Memory = 2**30,
) -> None:
    """Lay out a training set for solidmark guard, once.

    Held-out images are searched for in it: what is too close will be judged by them.

    Example: solidmark index marked/ index/

    Arguments:
        out: Folder to write: a new one, or that of the same command to go on. It will hold the
            training images themselves.
        distance: What images are compared by: {distances}, or an embedder: {embedders}; may be
            given again.
        pictures: Keep a small picture of each training image.
        limit: At most so many images, the first by their ids.
    """
    from solidmark.measures.guard import Indexing, build_index, index_lines
    from solidmark.runs import Processes

    indexing = asked.fill(Indexing)
    if asked.dry_run:
        learned = indexing.open_learned()
        return asked.plan(
            training_images=len(learned.training),
            held_out_images=0 if learned.held_out is None else len(learned.held_out),
        )
    manifest = build_index(indexing).manifest
    if not Processes.here().is_main:
        return None
    asked.save()
    closing.then(*after_indexing(out))
    return asked.answer(manifest, *index_lines(manifest), f"The index: {out}")
