"""`build_index`: a training set laid out once, so that single images can be compared with it.

What `nearest` finds for many generations at once, a guard asks for one image at a time. The rows
of the training images stay on disk, and held-out images are searched for among them once: their
distances are what every later question is judged by.
"""

import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.cards.asked import Hashed, Sought
from solidmark.cards.option import Whole
from solidmark.data import Dataset, Source, identity_of, inventories
from solidmark.embed import Cache
from solidmark.errors import BadInput
from solidmark.marks import pattern_to_json
from solidmark.measures.copies.shown import keep_pictures
from solidmark.measures.guard.calibration import Null
from solidmark.measures.guard.verdict import SECOND
from solidmark.measures.nearest import tables
from solidmark.measures.nearest.approximated import check_search, search_figures, threshold_of
from solidmark.measures.nearest.distances import ByPixels, Distance, open_distances
from solidmark.measures.nearest.gathering import FACTS, Gathered, gather
from solidmark.measures.nearest.roles import NULL, Answer, Asking
from solidmark.measures.nearest.searched import Searched
from solidmark.measures.nearest.sides import Learned, open_learned
from solidmark.neighbours import PIXEL_DISTANCES, finder_of, forget_checksums
from solidmark.runs import (
    Figure,
    Processes,
    Run,
    check_device,
    figure_from,
    open_run,
    peak_memory_bytes,
)
from solidmark.scores.written import percent, percents
from solidmark.verdicts.searched import blind_measures, search_lines, too_blind

TRAINING = "training"
"""Where the pixels of the training images lie."""

VECTORS = "vectors"
"""Where their vectors lie, a folder an embedder."""

LISTS = "lists"
"""Where vectors are laid out for an approximate search, a folder an embedder."""

PRODUCTS = ("images.parquet", "null.parquet", TRAINING, VECTORS, LISTS, "pictures")
"""What a finished index is whole with."""


@dataclass(frozen=True)
class Indexing(Hashed, Sought, Searched):
    """The whole configuration of an index.

    Arguments:
        training: What a model was trained on: an image folder, any data source, or a folder of
            `solidmark mark`, whose held-out half is then the null.
        out: The folder to write.
        distances: `l2`, `modified-l2`, `patched-l2`, or the word of an embedder; each once.
        held_out: Images of the same kind that the model never saw.
        fprs: The false-positive rates that are told when the index is built; any other can be
            asked for later.
        n: How many neighbours modified and patched l2 are rescaled by.
        alpha: What their mean distance is multiplied with.
        tiles: g of the g x g tiles of patched l2.
        pictures: Whether to keep a small picture of each training image.
        limit: At most so many images, the first by their ids.
    """

    training: str
    out: Path
    distances: tuple[str, ...] = tuple(PIXEL_DISTANCES)
    held_out: str | None = None
    fprs: tuple[float, ...] = (0.01,)
    n: int = 50
    alpha: float = 0.5
    tiles: int = 4
    pictures: bool = False
    limit: Whole = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.fprs or not all(0 < rate < 1 for rate in self.fprs):
            raise BadInput("--fpr must be above 0 and below 1.")

    def open_learned(self) -> Learned:
        """The images, undecoded.

        Raises:
            BadInput: When a marked folder holds images of several sizes.
        """
        found = open_learned(
            self.training,
            self.held_out,
            resolution=self.resolution,
            mode=self.mode,
            window=self.window,
            limit=self.limit,
            hash_ids=self.hash_ids,
        )
        if found.marked is not None:
            found.marked.require_one_size("index")
        return found


def open_searched(config: Mapping[str, Any], device: str) -> tuple[Distance, ...]:
    """The distances of an index, and those that are asked about images of little content."""
    words = list(config["distances"])
    words += [SECOND[w] for w in words if w in SECOND and SECOND[w] not in words]
    options = {name: config[name] for name in ("n", "alpha", "tiles")}
    return open_distances(tuple(words), **options, device=device)


def build_index(indexing: Indexing) -> Run:
    """Lays out a training set for `open_index`.

    The same call goes on after a kill; several processes of one launch share the work. The folder
    holds the pixels of the training images: keep it as you keep those.

    Arguments:
        indexing: What, and by which distances.

    Returns:
        The run. Its folder has `images.parquet`, what is known of the training images,
        `null.parquet`, the nearest of each held-out image, and the rows.

    Raises:
        NotFound: When there are no such images.
        BadInput: When sizes differ, a distance is not known, or the memory is too small.
        RunConflict: When the folder holds an index of other images, or of another configuration.
    """
    check_device(indexing.device)
    distances = open_searched(asdict(indexing), indexing.device)
    check_search(indexing.search, distances)
    learned = indexing.open_learned()
    run = open_run(indexing.out, "index", indexing.to_json(), _fingerprints(learned, distances))
    if run.finished:
        return run
    processes = Processes.here()
    work = indexing.out / "work"
    if run.lost:
        _forget_rows(indexing.out, work, processes)
    gathered = _gathered(learned, distances, indexing, work)
    answers, searched = _search(gathered, distances, indexing, work)
    if processes.is_main:
        training = gathered["training"]
        tables.write_table(indexing.out / "images.parquet", [training.facts], FACTS)
        null = _null(gathered, distances, answers)
        tables.write_table(indexing.out / "null.parquet", null, tables.NULL)
        names = [d.name for d in distances[: len(indexing.distances)]]
        known = Null.of(pa.concat_tables(null)) if null else None
        if indexing.pictures:
            every = dict(enumerate(training.column("content")))
            keep_pictures(indexing.out, training.data, every)
        shutil.rmtree(work, ignore_errors=True)
        status = training.column("status")
        forget_checksums(indexing.out)  # The list of files vouches for all of them from here on.
        run.finish(
            *PRODUCTS,
            asked=names,
            measures={distance.name: distance.card() for distance in distances},
            images=len(status) - status.count("broken"),
            quarantined=status.count("broken"),
            size=training.size,
            grid=training.tiles,
            mode=learned.mode,
            frame=_frame(learned),
            thresholds=known.rows(names, indexing.fprs) if known else [],
            search=[one.to_json() for one in searched],
            peak_memory_bytes=peak_memory_bytes(indexing.device),
            inventory=inventories(training=learned.training, held_out=learned.held_out),
        )
    processes.wait()
    return run


def _forget_rows(out: Path, work: Path, processes: Processes) -> None:
    """Begins anew with the rows: what says that a shard is done does not say what is in it."""
    if processes.is_main:
        for folder in (out / TRAINING, out / VECTORS, out / LISTS, work):
            shutil.rmtree(folder, ignore_errors=True)
    processes.wait()


def _fingerprints(learned: Learned, distances: tuple[Distance, ...]) -> dict[str, str]:
    """What is known of the images, and the weights of embedders."""
    named = {"training": learned.training, "held_out": learned.held_out}
    found = {name: identity_of(data) for name, data in named.items() if data is not None}
    cards = {distance.name: distance.card() for distance in distances}
    return found | {name: card["weights"] for name, card in cards.items() if card.get("weights")}


def _frame(learned: Learned) -> dict[str, Any] | None:
    """What is cut off images of the marked size."""
    if learned.marked is None:
        return None
    pattern = pattern_to_json(learned.marked.pattern)
    return {"pattern": pattern, "size": list(learned.marked.marked_size)}


def _gathered(
    learned: Learned, distances: tuple[Distance, ...], indexing: Indexing, work: Path
) -> dict[str, Gathered]:
    parts = [distance.parts for distance in distances if isinstance(distance, ByPixels)]
    tiles = (indexing.tiles if max(parts) > 1 else 1) if parts else None

    def source(name: str, data: Dataset) -> Source:
        return Source(partial(_side, indexing, name), identity_of(data))

    training = gather(
        "training",
        learned.training,
        indexing.out / TRAINING,
        tiles=tiles,
        source=source("training", learned.training),
    )
    if learned.held_out is None:
        return {"training": training}
    place = work / "held_out"
    other = gather(
        "held-out",
        learned.held_out,
        place,
        tiles=tiles,
        size=training.size,
        source=source("held_out", learned.held_out),
    )
    return {"training": training, "held_out": other}


def _side(indexing: Indexing, name: str) -> Dataset:
    """One of the sets of images, as another process opens it."""
    found: Dataset = getattr(indexing.open_learned(), name)
    return found


def _search(
    gathered: Mapping[str, Gathered],
    distances: tuple[Distance, ...],
    indexing: Indexing,
    work: Path,
) -> tuple[dict[tuple[str, str], Answer], list[Figure]]:
    """Makes all rows, and searches for the held-out images among those of the training images.

    By the same search by which every later image is asked about, so that the thresholds hold.

    Returns:
        The answers, and what the approximate searches find.
    """
    roles = (NULL,) if "held_out" in gathered else ()
    how = (indexing.memory, indexing.device, work / "searches", 0)
    asking = Asking(gathered, roles, 1, *how)
    figures: list[Figure] = []
    cache = Cache() if indexing.cache is None else Cache(indexing.cache)
    places = {"training": indexing.out / VECTORS, "held_out": work / VECTORS}
    answers: dict[tuple[str, str], Answer] = {}
    ordered = sorted(distances, key=lambda distance: distance.space)
    for space, group in groupby(ordered, key=lambda distance: distance.space):
        same = list(group)
        rows = {
            name: same[0].rows(side, places[name] / space, cache) for name, side in gathered.items()
        }
        place = indexing.out / LISTS / space
        base = rows["training"].matrix
        find = finder_of(base, indexing.search, place, f"{space}: training")
        found = asking.ask(same, rows, {"training": find})
        told = search_figures(
            *(same[0], find, base, rows.get("held_out", rows["training"]).matrix),
            within=threshold_of(same[0], found, indexing.fprs),
            memory=indexing.memory,
            among_themselves="held_out" not in rows,
        )
        if blind_measures(told) and indexing.search == "auto":
            # Too blind for a gate: it is searched exactly, now and later.
            if Processes.here().is_main:
                shutil.rmtree(place)
            exactly = replace(asking, folder=work / "exactly")
            found, told = exactly.ask(same, rows, {}), []
        answers |= found
        figures += told
    return answers, figures


def _null(
    gathered: Mapping[str, Gathered],
    distances: tuple[Distance, ...],
    answers: Mapping[tuple[str, str], Answer],
) -> list[pa.Table]:
    """How close images come that the model never saw; copies of training images do not count."""
    if "held_out" not in gathered:
        return []
    training, held_out = gathered["training"], gathered["held_out"]
    copies = dict(zip(training.column("content"), training.column("id"), strict=True))
    found = []
    for distance in distances:
        answer = answers[distance.name, NULL.name]
        columns = tables.rows_of(held_out, training, answer, copies=copies)
        found.append(tables.table_of(columns, tables.NULL, measure=distance.name))
    return found


def index_lines(manifest: Mapping[str, Any]) -> list[str]:
    """What was laid out, and what it will refuse.

    Arguments:
        manifest: Of the index.
    """
    broken = f" {manifest['quarantined']:,} could not be read." if manifest["quarantined"] else ""
    lines = [f"{manifest['images']:,} training images.{broken}"]
    if not manifest["thresholds"]:
        lines.append(
            'Without held-out images nobody can say what is too close: give "solidmark guard" a '
            "--threshold NAME=VALUE, or index with --held-out."
        )
    shares = []
    for row in manifest["thresholds"]:
        if "measure" not in row:
            if len(manifest["asked"]) > 1 and row["refused"] is not None:
                shares.append(
                    f"At {row['fpr']:g}, {percent(row['refused'])} of the held-out images "
                    f"themselves would be refused by {row['rule']} of the distances."
                )
        elif row["threshold"] is None:
            lines.append(f"{row['measure']}: {row['note']} Give fewer --fpr, or more images.")
        else:
            close = f"a distance of {row['threshold']:.4g} or less"
            if manifest["measures"][row["measure"]]["direction"] == "high":
                close = f"a similarity of {1 - row['threshold']:.4g} or more"
            lines.append(
                f"{row['measure']}: {close} is refused, at a false-positive rate of "
                f"{row['fpr']:g} ({row['n']:,} held-out images: really "
                f"{percents(row['ci_low'], row['ci_high'])})."
            )
    told = [figure_from(row, "manifest.json") for row in manifest.get("search", ())]
    blind = blind_measures(told)
    if blind:
        lines.append(f"A guard will not pass anything: {too_blind(blind)}")
    return lines + shares + search_lines(told)
