"""`mark`: from a data set to a folder that any trainer takes, with the keys beside it.

Two passes: the first looks at every image (is it readable, which are copies), the second writes
the marked files. Both go in batches of a fixed partition, so that a killed run goes on where it
stopped and ends in the same bytes.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from solidmark.data import (
    Dataset,
    Signature,
    Source,
    content_hash,
    group_places,
    identity_of,
    inventories,
)
from solidmark.errors import BadInput, RunConflict
from solidmark.marks.catalogue import Fitted, pattern_to_json
from solidmark.marks.facts import Surveyed
from solidmark.marks.keymap import Keymap
from solidmark.marks.painting import Painted, mark_image, paint
from solidmark.marks.pattern import Pattern
from solidmark.marks.plan import plan
from solidmark.marks.planned import FOLDERS, words_file
from solidmark.marks.surveying import Kept, lost_of, nothing_read, sizes_seen, survey
from solidmark.marks.tables import keys_bytes, sizes_told, write_tables
from solidmark.randomness import digest
from solidmark.runs import (
    HIDDEN_LEDGER,
    Ledger,
    Processes,
    Run,
    fingerprint,
    open_run,
    progress,
    read_manifest,
    remove_temporaries,
)

BATCH = 64
PRODUCTS = (
    *(*FOLDERS.values(), "keys.parquet", "quarantine.jsonl"),
    *(words_file(split, in_tars=True) for split in FOLDERS),
)
"""What a marked folder is whole with."""


@dataclass(frozen=True)
class Marking:
    """How a data set is marked.

    Arguments:
        pattern: What is painted; `Fitted` makes it when the size of the images is known.
        seed: The secret of the keymap; `kept_seed` draws one.
        held_out: The share of images set aside as control.
        canaries: The share of the training images that is marked.
        keys_per_copy: `shared` = one key for all copies of an image; `independent` = the paper's.
        near_duplicates: Whether near copies count as copies, or exact ones only.
        bucketed: Whether images may differ in size: they were sorted into buckets.
        shards: How many images each tar holds; None gives every image a file.
    """

    pattern: Pattern | Fitted
    seed: int
    held_out: float = 0.1
    canaries: float = 1.0
    keys_per_copy: str = "shared"
    near_duplicates: bool = True
    bucketed: bool = False
    shards: int | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.held_out < 1:
            raise BadInput(f"The held-out share must be in [0, 1), not {self.held_out:g}.")
        if self.shards is not None and self.shards < 1:
            raise BadInput(f"A tar holds one image or more, not {self.shards}.")
        if not 0 < self.canaries <= 1:
            raise BadInput(f"The share of canaries must be in (0, 1], not {self.canaries:g}.")
        if self.keys_per_copy not in ("shared", "independent"):
            raise BadInput(
                f'Keys per copy are "shared" or "independent", not "{self.keys_per_copy}".'
            )

    def pattern_for(self, height: int, width: int) -> Pattern:
        """What is painted on images of a size in pixels."""
        asked = self.pattern
        return asked(height, width) if isinstance(asked, Fitted) else asked


def mark_dataset(
    data: Dataset,
    out: Path,
    marking: Marking,
    config: Mapping[str, Any],
    opened: Callable[[], Dataset] | None = None,
) -> dict[str, Any]:
    """Marks a data set, by whatever the engine has.

    Arguments:
        data: The images.
        out: The folder to write; see docs/formats.md for what is in it.
        marking: How.
        config: The whole configuration, for the manifest.
        opened: How another process opens the same data; it goes through a pickle. None where only
            this one can.

    Returns:
        The manifest of the folder.

    Raises:
        BadInput: When no image can be read, or sizes differ and no resolution was given. The
            folder is then left empty, so that it can be named again with other options.
        RunConflict: When the folder holds another run, or the data changed since it began.
    """
    prints = {"ids": hash_ids(data.ids), "words": identity_of(data)}
    run, processes = open_run(out, "mark", config, prints), Processes.here()
    if run.finished:
        return run.manifest
    processes.wait()  # Whoever opens it first clears away what another run has left.
    folder = out / HIDDEN_LEDGER
    source = None if opened is None else Source(opened, prints["words"])
    with Ledger(folder, processes.rank) as ledger:
        surveyed = survey(data, ledger, BATCH, source)
        broken = {id: row["broken"] for id, row in surveyed.items() if "broken" in row}
        images = replace(surveyed, ids=[id for id in data.ids if id not in broken])
        try:
            if not images:
                raise nothing_read(surveyed)
            sizes = sizes_seen(images, marking.bucketed)
            pattern = marking.pattern_for(*sizes[0][1:])
            for size in sizes:
                pattern.marked_size(*size[1:])
            planned = plan(
                _surveyed(images, marking.near_duplicates),
                Keymap(marking.seed, pattern.count),
                held_out=marking.held_out,
                canaries=marking.canaries,
                shared_keys=marking.keys_per_copy == "shared",
                shards=marking.shards,
            )
        except BadInput:
            processes.wait()
            if processes.is_main:
                run.abandon()
                shutil.rmtree(folder)
            raise
        good = np.array([n for n, id in enumerate(data.ids) if id not in broken], dtype=np.int64)
        classes, numbers = planned.class_names, good[planned.origin]
        painted = Painted(planned, images, numbers, out, pattern, classes)
        bucketed = pattern if marking.bucketed else None
        if "keys" in run.manifest and not _gives_the_keys(run, data, painted, marking, bucketed):
            processes.wait()
            if processes.is_main:
                shutil.rmtree(folder)
                run.give_up()
            raise RunConflict(
                f'"{out}" is not whole, and the data are no longer those that it was made of. Put '
                "back what is missing, or mark into another folder."
            )
        contents = paint(painted, data, ledger, BATCH, source)
        told: dict[str, Any] = {}
        if processes.is_main:
            keys = keys_bytes(planned, images, contents, marking.seed, bucketed)
            write_tables(out, planned, images, broken, classes, keys)
            told = {**sizes_told(planned, images, bucketed), "lost": lost_of(images)}
            if marking.shards is not None:
                told["shards"] = marking.shards
    if processes.is_main:
        shutil.rmtree(folder)
        for place in (out, *(out / name for name in FOLDERS.values())):
            remove_temporaries(place)
        run.finish(
            *PRODUCTS,
            pattern=pattern_to_json(pattern),
            **told,
            classes=classes,
            trained=int((~planned.held).sum()),
            held_out=int(planned.held.sum()),
            duplicates=planned.copies,
            quarantined=len(broken),
            keys=fingerprint(out / "keys.parquet"),
            inventory=inventories(data=data),
        )
    processes.wait()
    return run.manifest if processes.is_main else read_manifest(out)


def _gives_the_keys(
    run: Run, data: Dataset, painted: Painted, marking: Marking, bucketed: Pattern | None
) -> bool:
    """Whether the data still give the keys and the images that the finished folder had."""
    contents, planned = {}, painted.plan
    with progress("comparing with what was marked", len(planned)) as advance:
        for row, number in zip(planned, painted.numbers, strict=True):
            image = data[int(number)].image
            contents[row.id] = content_hash(mark_image(image, painted.pattern, row.levels))
            advance()
    keys = keys_bytes(planned, painted.images, contents, marking.seed, bucketed)
    return hashlib.sha256(keys).hexdigest().startswith(str(run.manifest["keys"]))


def hash_ids(ids: Sequence[str]) -> str:
    """One hash for all ids of a data set, so that another data set is not taken for it.

    Raises:
        BadInput: When an id comes twice or cannot be written to a file.
    """
    if any(one >= two for one, two in pairwise(ids)) and len(set(ids)) != len(ids):
        ((twice, _),) = Counter(ids).most_common(1)
        raise BadInput(f'Two images have the id "{twice}". Make the ids unique.')
    for id in ids:
        if not id.isprintable() and id != id.encode("utf-8", "replace").decode():
            raise BadInput(f"The id {id!a} is not text that UTF-8 can hold. Give it another one.")
    return digest(0, "ids", *ids).hex()[:16]


def _surveyed(images: Kept, near: bool) -> Iterator[Surveyed]:
    """What is known of each image."""
    signatures = (Signature(**row["signature"]) for row in images.values())
    with progress("looking for copies", len(images)) as advance:  # A million take minutes.
        places = group_places(images.ids, signatures, near=near)
        advance(len(images))
    for number, (id, row) in enumerate(images.items()):
        first = images.ids[int(places[number])]
        yield Surveyed(id, first, row["group"], row["label"], row["class_number"])
