"""`nearest`: generations against the training set, and against chance."""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.control import control_of, look_at_control, side_of
from solidmark.data import Dataset, Source, identity_of, inventories
from solidmark.embed import Cache
from solidmark.errors import BadInput
from solidmark.measures.nearest.approximated import check_search, search_figures, threshold_of
from solidmark.measures.nearest.augmented import AUGMENTED, augmented_copies_of, augmented_rows
from solidmark.measures.nearest.comparison import Comparison
from solidmark.measures.nearest.distances import ByEmbedder, ByPixels, Distance
from solidmark.measures.nearest.features import Statistics, check_features
from solidmark.measures.nearest.gathering import Gathered, gather
from solidmark.measures.nearest.pictures import write_pictures
from solidmark.measures.nearest.roles import (
    GENERATED,
    HELD_OUT,
    NULL,
    TRAIN_NULL,
    TRAINED,
    Answer,
    Asking,
    Role,
)
from solidmark.measures.nearest.scoring import score_nearest
from solidmark.measures.nearest.sides import Sides
from solidmark.measures.nearest.tables import write_table
from solidmark.measures.nearest.writing import write_tables
from solidmark.neighbours import Search
from solidmark.runs import (
    Figure,
    Processes,
    Run,
    check_device,
    open_run,
    peak_memory_bytes,
    write_ours,
)
from solidmark.subjects import groups_of, keep_groups

PRODUCTS = (
    *("null.parquet", "neighbours.parquet", "augmented.parquet", "features.json", "control.json"),
    "pictures",
)
"""What a finished run is whole with, beside the tables that name images."""


def nearest(comparison: Comparison) -> Run:
    """Finds the nearest training image of every generation, and what it means.

    The same call goes on after a kill; several processes of one launch share the work.

    Arguments:
        comparison: What is compared, and how.

    Returns:
        The run, with the tables, `results.json` and the pictures of the page in its folder.

    Raises:
        NotFound: When there are no such images.
        BadInput: When sizes differ, a distance is not known, or the memory is too small.
    """
    check_device(comparison.device)
    distances = comparison.open_distances()
    check_features(comparison.features, distances)
    check_search(comparison.search, distances)
    sides = comparison.open_sides()
    run = open_run(comparison.out, "nearest", comparison.to_json(), _fingerprints(sides, distances))
    processes, work = Processes.here(), comparison.out / "work"
    if run.finished:
        if processes.is_main:  # It may have been killed between its two last lines.
            shutil.rmtree(work, ignore_errors=True)
            _scored(comparison)
        return run
    try:
        gathered = _gathered(sides, distances, comparison, work)
    except BadInput:  # Other options are needed, so the folder must take them.
        if processes.is_main:
            run.abandon()
            shutil.rmtree(work, ignore_errors=True)
        raise
    found = _search(gathered, distances, comparison, work)
    if processes.is_main:
        groups = keep_groups(comparison.out, _asked(sides))
        whose = groups_of(comparison.out)
        write_tables(comparison, distances, gathered, found.answers, whose)
        augmented = pa.Table.from_pylist(found.augmented, AUGMENTED)
        write_table(comparison.out / "augmented.parquet", [augmented], AUGMENTED)
        write_ours(
            comparison.out / "features.json", {"rows": [one.to_json() for one in found.features]}
        )
        write_pictures(comparison.out, gathered)
        _look_at_control(sides, distances, comparison)
        cards = {distance.name: distance.card() for distance in distances}
        run.manifest.update(measures=cards, quarantined=_broken(gathered))
        score_nearest(comparison.out, run.manifest, trust_control=comparison.trust_control)
        run.finish(
            *PRODUCTS,
            *groups,
            rewritten=("scores.parquet", "images.parquet"),
            peak_memory_bytes=peak_memory_bytes(comparison.device),
            inventory=inventories(
                generated=sides.generated, training=sides.training, held_out=sides.held_out
            ),
        )
        shutil.rmtree(work)
    processes.wait()
    return run


def _scored(comparison: Comparison) -> None:
    """Scores a finished run again: results are gone, or the control is trusted now, or not now."""
    known = control_of(comparison.out)
    gone = not (comparison.out / "results.json").is_file()
    if gone or (known is not None and known.trusted != comparison.trust_control):
        score_nearest(comparison.out, trust_control=comparison.trust_control)


def _look_at_control(sides: Sides, distances: tuple[Distance, ...], comparison: Comparison) -> None:
    """Tests whether the held-out images are of the same kind, where they are the null."""
    if sides.held_out is None or comparison.null != "held-out":
        return
    embedders = [distance.embedder for distance in distances if isinstance(distance, ByEmbedder)]
    look_at_control(
        comparison.out,
        side_of(sides.training),
        side_of(sides.held_out),
        comparison.seed,
        embedders[0] if embedders else None,
    )


def _asked(sides: Sides) -> dict[str, tuple[Dataset | None, Sequence[str]]]:
    """The sides whose images may show one subject; generations show nobody's."""
    found = {"trained": sides.training, "held_out": sides.held_out}
    return {split: (data, () if data is None else data.ids) for split, data in found.items()}


def _fingerprints(sides: Sides, distances: tuple[Distance, ...]) -> dict[str, str]:
    """What is known of all sides, and the weights of embedders."""
    named = {"generated": sides.generated, "training": sides.training, "held_out": sides.held_out}
    found = {name: identity_of(data) for name, data in named.items() if data is not None}
    cards = {distance.name: distance.card() for distance in distances}
    return found | {name: card["weights"] for name, card in cards.items() if card.get("weights")}


def _gathered(
    sides: Sides, distances: tuple[Distance, ...], comparison: Comparison, work: Path
) -> dict[str, Gathered]:
    """Looks at all images; pixels are written where a distance needs them."""
    by_pixels = [distance for distance in distances if isinstance(distance, ByPixels)]
    patched = any(distance.parts > 1 for distance in by_pixels)
    tiles = (comparison.tiles if patched else 1) if by_pixels else None

    def source(name: str, data: Dataset) -> Source:
        return Source(partial(_side, comparison, name), identity_of(data))

    first = source("training", sides.training)
    training = gather("training", sides.training, work / "training", tiles=tiles, source=first)
    if comparison.null == "train" and training.column("status").count("ok") < 2:
        raise BadInput(
            "--null train compares training images with one another, and there is only one. "
            "Name held-out images."
        )
    found = {"training": training}
    others = {"generated": sides.generated}
    if sides.held_out is not None and comparison.null == "held-out":
        others["held_out"] = sides.held_out
    for name, data in others.items():
        one = source(name, data)
        found[name] = gather(name, data, work / name, tiles=tiles, size=training.size, source=one)
    for side in found.values() if by_pixels else ():
        side.pixels(training.tiles)  # Now, and not after hours, it must say that there are none.
    return found


def _side(comparison: Comparison, name: str) -> Dataset:
    """One of the sets of images, as another process opens it."""
    found: Dataset = getattr(comparison.open_sides(), name)
    return found


@dataclass(frozen=True)
class _Found:
    """What the searches found.

    Arguments:
        answers: By the name of the distance and of the role.
        augmented: Rows on changed copies of training images.
        features: The figures of `features.json`.
    """

    answers: dict[tuple[str, str], Answer] = field(default_factory=dict)
    augmented: list[dict[str, Any]] = field(default_factory=list)
    features: list[Figure] = field(default_factory=list)


def _search(
    gathered: Mapping[str, Gathered],
    distances: tuple[Distance, ...],
    comparison: Comparison,
    work: Path,
) -> _Found:
    """Searches in the space of every distance; those that share one are searched together."""
    how = (comparison.memory, comparison.device, work / "searches", comparison.seed)
    seeking = (comparison.search, work / "lists")
    asking = Asking(gathered, _roles(gathered, comparison), comparison.neighbours, *how, *seeking)
    statistics = Statistics(comparison.features, gathered, *how)
    cache = Cache() if comparison.cache is None else Cache(comparison.cache)
    found = _Found()
    ordered = sorted(distances, key=lambda distance: distance.space)
    for space, group in groupby(ordered, key=lambda distance: distance.space):
        same = list(group)
        rows = {
            name: same[0].rows(side, work / space / name, cache) for name, side in gathered.items()
        }
        finders = asking.finders(same, rows)
        answers = asking.ask(same, rows, finders)
        found.answers.update(answers)
        within = threshold_of(same[0], answers, comparison.fprs)
        for side, other in (("training", "generated"), ("generated", "training")):
            found.features.extend(
                search_figures(
                    *(same[0], finders.get(side), rows[side].matrix, rows[other].matrix),
                    side=side,
                    within=within,
                    memory=comparison.memory,
                )
            )
        found.features.extend(statistics.rows(same, rows, answers))
        copies = augmented_copies_of(gathered["training"], comparison.seed)
        found.augmented.extend(
            augmented_rows(
                gathered["training"],
                same,
                rows["training"],
                copies,
                Search(1, comparison.memory, comparison.device),
            )
        )
    return found


def _roles(gathered: Mapping[str, Gathered], comparison: Comparison) -> tuple[Role, ...]:
    """What is asked, with the null that there is."""
    null = {"train": (TRAIN_NULL,)}.get(comparison.null, (NULL,) * ("held_out" in gathered))
    turned = (TRAINED,) + (HELD_OUT,) * ("held_out" in gathered)
    return (GENERATED, *null, *(turned if comparison.per_image else ()))


def _broken(gathered: Mapping[str, Gathered]) -> int:
    """How many images of all sides could not be read."""
    return sum(side.column("status").count("broken") for side in gathered.values())
