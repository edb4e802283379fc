"""`solidmark index TRAINING INDEX`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

from solidmark.cards import DISTANCES
from solidmark.cli import closing
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.following import after_indexing
from solidmark.cli.nearest import Distances, Rates, Training
from solidmark.cli.options import Memory, Whole
from solidmark.cli.searching import RESCALED, Embedded, HeldOut, Sized


@command(RESCALED, Sized, Embedded)
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
    from solidmark.measures.guard import Indexing, build_index
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
    return asked.answer(manifest, *_lines(manifest), f"The index: {out}")


def _lines(manifest: Mapping[str, Any]) -> list[str]:
    """What was laid out, and what it will refuse."""
    from solidmark.scores.written import percent

    broken = f" {manifest['quarantined']:,} could not be read." if manifest["quarantined"] else ""
    first = f"{manifest['images']:,} training images.{broken}"
    if not manifest["thresholds"]:
        return [
            first,
            'Without held-out images nobody can say what is too close: give "solidmark guard" a '
            "--threshold NAME=VALUE, or index with --held-out.",
        ]
    rows = manifest["thresholds"]
    thresholds = [_threshold(row, manifest["measures"]) for row in rows if "measure" in row]
    several = len(manifest["asked"]) > 1
    shares = [
        f"At {row['fpr']:g}, {percent(row['refused'])} of the held-out images themselves would be "
        f"refused by {row['rule']} of the distances."
        for row in rows
        if several and row.get("refused") is not None
    ]
    return [first, *thresholds, *shares]


def _threshold(row: Mapping[str, Any], measures: Mapping[str, Mapping[str, Any]]) -> str:
    """What one distance refuses at one rate."""
    from solidmark.scores.written import percents

    if row["threshold"] is None:
        return f"{row['measure']}: {row['note']} Give fewer --fpr, or more images."
    if measures[row["measure"]]["direction"] == "high":
        refuses = f"a similarity of {1 - row['threshold']:.4g} or more"
    else:
        refuses = f"a distance of {row['threshold']:.4g} or less"
    return (
        f"{row['measure']}: {refuses} is refused, at a false-positive rate of {row['fpr']:g} "
        f"({row['n']:,} held-out images: really {percents(row['ci_low'], row['ci_high'])})."
    )
