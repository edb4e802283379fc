"""`mark`: from a data set to a folder that any trainer takes, with the keys beside it.

Two passes: the first looks at every image (is it readable, which are copies), the second writes
the marked files. Both go in batches of a fixed partition, so that a killed run goes on where it
stopped and ends in the same bytes.
"""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from solidmark.data import (
    Dataset,
    Signature,
    content_hash,
    group_duplicates,
    identity_of,
    inventories,
    sign,
)
from solidmark.data.members import write_tar
from solidmark.errors import BadInput, BrokenImage, RunConflict
from solidmark.late import functional, torch
from solidmark.marks.catalogue import Fitted, pattern_to_json
from solidmark.marks.images import read_image, write_image
from solidmark.marks.keymap import Keymap
from solidmark.marks.pattern import Pattern
from solidmark.marks.plan import (
    FOLDERS,
    Planned,
    Surveyed,
    class_names,
    plan,
    words_file,
)
from solidmark.marks.shards import members, parts
from solidmark.marks.tables import keys_bytes, sizes_told, write_tables
from solidmark.randomness import LEVELS, digest
from solidmark.runs import (
    HIDDEN_LEDGER,
    Ledger,
    Rows,
    Run,
    fingerprint,
    open_run,
    progress,
    remove_temporaries,
)
from solidmark.types import Image, MarkedImage

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
    data: Dataset, out: Path, marking: Marking, config: Mapping[str, Any]
) -> dict[str, Any]:
    """Marks a data set.

    Arguments:
        data: The images.
        out: The folder to write; see docs/formats.md for what is in it.
        marking: How.
        config: The whole configuration, for the manifest.

    Returns:
        The manifest of the folder.

    Raises:
        BadInput: When no image can be read, or sizes differ and no resolution was given. The
            folder is then left empty, so that it can be named again with other options.
        RunConflict: When the folder holds another run, or the data changed since it began.
    """
    prints = {"ids": hash_ids(data.ids), "words": identity_of(data)}
    run = open_run(out, "mark", config, prints)
    if run.finished:
        return run.manifest
    folder = out / HIDDEN_LEDGER
    with Ledger(folder) as ledger:
        surveyed = _survey(data, ledger)
        broken = {id: row["broken"] for id, row in surveyed.items() if "broken" in row}
        images = replace(surveyed, ids=[id for id in data.ids if id not in broken])
        try:
            if not images:
                raise _nothing_read(surveyed)
            sizes = _sizes(images, marking.bucketed)
            pattern = marking.pattern_for(*sizes[0][1:])
            for size in sizes:
                pattern.marked_size(*size[1:])
            facts, planned = _plan(images, marking, pattern.count)
        except BadInput:
            run.abandon()
            shutil.rmtree(folder)
            raise
        if "keys" in run.manifest and not _gives_the_keys(
            run, data, planned, images, pattern, marking
        ):
            shutil.rmtree(folder)
            run.give_up()
            raise RunConflict(
                f'"{out}" is not whole, and the data are no longer those that it was made of. Put '
                "back what is missing, or mark into another folder."
            )
        classes = class_names(facts)
        contents = _write_images(data, planned, images, out, pattern, ledger, classes)
        bucketed = pattern if marking.bucketed else None
        keys = keys_bytes(planned, images, contents, marking.seed, bucketed)
        write_tables(out, planned, images, broken, classes, keys)
        told: dict[str, Any] = {**sizes_told(planned, images, bucketed), "lost": _lost(images)}
        if marking.shards is not None:
            told["shards"] = marking.shards
    shutil.rmtree(folder)
    for place in (out, *(out / name for name in FOLDERS.values())):
        remove_temporaries(place)
    run.finish(
        *PRODUCTS,
        pattern=pattern_to_json(pattern),
        **told,
        classes=classes,
        trained=sum(row.split == "trained" for row in planned),
        held_out=sum(row.split == "held_out" for row in planned),
        duplicates=len(planned) - len({row.duplicate_group for row in planned}),
        quarantined=len(broken),
        keys=fingerprint(out / "keys.parquet"),
        inventory=inventories(data=data),
    )
    return run.manifest


def _gives_the_keys(
    run: Run,
    data: Dataset,
    planned: Sequence[Planned],
    images: Mapping[str, Any],
    pattern: Pattern,
    marking: Marking,
) -> bool:
    """Whether the data still give the keys and the images that the finished folder had."""
    numbers = {id: number for number, id in enumerate(data.ids)}
    bucketed = pattern if marking.bucketed else None
    contents = {}
    with progress("comparing with what was marked", len(planned)) as advance:
        for row in planned:
            image = data[numbers[row.id]].image
            contents[row.id] = content_hash(mark_image(image, pattern, row.levels))
            advance()
    keys = keys_bytes(planned, images, contents, marking.seed, bucketed)
    return hashlib.sha256(keys).hexdigest().startswith(str(run.manifest["keys"]))


def hash_ids(ids: Sequence[str]) -> str:
    """One hash for all ids of a data set, so that another data set is not taken for it.

    Raises:
        BadInput: When an id comes twice or cannot be written to a file.
    """
    if len(set(ids)) != len(ids):
        ((twice, _),) = Counter(ids).most_common(1)
        raise BadInput(f'Two images have the id "{twice}". Make the ids unique.')
    for id in ids:
        if not id.isprintable() and id != id.encode("utf-8", "replace").decode():
            raise BadInput(f"The id {id!a} is not text that UTF-8 can hold. Give it another one.")
    return digest(0, "ids", *ids).hex()[:16]


def _plan(
    images: Mapping[str, Any], marking: Marking, count: int
) -> tuple[list[Surveyed], list[Planned]]:
    """What is known of each image, and what is to be done with it."""
    groups = group_duplicates(
        list(images),
        (Signature(**row["signature"]) for row in images.values()),
        near=marking.near_duplicates,
    )
    facts = [
        Surveyed(id, groups[id], row["group"], row["label"], row["class_number"])
        for id, row in images.items()
    ]
    planned = plan(
        facts,
        Keymap(marking.seed, count),
        held_out=marking.held_out,
        canaries=marking.canaries,
        shared_keys=marking.keys_per_copy == "shared",
        shards=marking.shards,
    )
    return facts, planned


def _batches(items: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]


@dataclass(frozen=True)
class _Kept(Mapping[str, Any]):
    """What the ledger holds of some images, by their ids: it is read when it is asked for.

    Arguments:
        rows: The rows of the ledger.
        about: What their names begin with.
        ids: The images.
    """

    rows: Rows
    about: str
    ids: Sequence[str]

    def __getitem__(self, id: str) -> Any:
        return self.rows[f"{self.about} {id}"]

    def __iter__(self) -> Iterator[str]:
        return iter(self.ids)

    def __len__(self) -> int:
        return len(self.ids)


def _survey(data: Dataset, ledger: Ledger) -> _Kept:
    """Looks at every image once: its size, its likeness, and whether it can be read."""
    done = ledger.names()
    numbers = dict(enumerate(data.ids))
    with progress("looking at images", len(numbers)) as advance:
        for batch in _batches(list(numbers)):
            if f"survey {numbers[batch[-1]]}" not in done:
                ledger.commit({f"survey {numbers[i]}": _look(data, i) for i in batch})
            advance(len(batch))
    return _Kept(ledger.rows(), "survey", data.ids)


def _look(data: Dataset, number: int) -> dict[str, Any]:
    try:
        sample = data[number]
    except BrokenImage as error:
        return {"broken": str(error)}
    return {
        "signature": asdict(sign(sample)),
        "size": list(sample.image.shape),
        "content": sample.content,
        "caption": sample.caption,
        "label": sample.label,
        "class_number": sample.class_index,
        "group": sample.group,
        "lost": list(sample.notes),
    }


def _lost(images: Mapping[str, Any]) -> dict[str, int]:
    """How many images lost something on the way, by `data.NOTES`."""
    return dict(sorted(Counter(name for row in images.values() for name in row["lost"]).items()))


def _nothing_read(surveyed: Mapping[str, Any]) -> BadInput:
    """The error for a data set without one good image, with the reason of the first."""
    example = next(iter(surveyed.values()))["broken"]
    return BadInput(
        f"None of the {len(surveyed)} images can be read, the first because: {example[:200]} "
        "Name other data, or mend them."
    )


def _sizes(images: Mapping[str, Any], bucketed: bool) -> list[tuple[int, int, int]]:
    """The sizes of the images, as (C, H, W): one, unless they were sorted into buckets."""
    first, example = next(iter(images.items()))
    for id, row in images.items():
        if row["size"] != example["size"] and not bucketed:
            same = row["size"][0] == example["size"][0]
            here, there = (" x ".join(map(str, r["size"][same:])) for r in (example, row))
            raise BadInput(
                f'The images differ in size ("{first}" is {here}, "{id}" is {there} pixels). '
                "Give --resolution, or --buckets for a trainer that has some."
            )
    sizes = (row["size"] for row in images.values())
    return sorted({(channels, height, width) for channels, height, width in sizes})


def _write_images(
    data: Dataset,
    planned: Sequence[Planned],
    images: Mapping[str, Any],
    out: Path,
    pattern: Pattern,
    ledger: Ledger,
    classes: Sequence[str | None],
) -> Mapping[str, str]:
    """Writes the marked files and returns the hash of each.

    What was written before a kill is looked at again: a disk may have lost it since.
    """
    numbers = {id: number for number, id in enumerate(data.ids)}
    before = ledger.rows()

    def marked(row: Planned) -> MarkedImage:
        sample = data[numbers[row.id]]
        if sample.content != images[row.id]["content"]:
            raise RunConflict(
                f'"{row.id}" has changed since this marking began. Remove "{out}" and mark again.'
            )
        image = mark_image(sample.image, pattern, row.levels)
        contents[f"written {row.id}"] = content_hash(image)
        return image

    with progress("marking", len(planned)) as advance:
        for tar, batch in parts(planned, BATCH):
            left = [
                row
                for row in batch
                if not _shows(out, row, images, before.get(f"written {row.id}"))
            ]
            if left:
                contents: dict[str, str] = {}
                if tar is None:
                    for row in left:
                        write_image(out / row.file_name, marked(row))
                else:  # A tar is written whole.
                    write_tar(out / tar, members(batch, images, classes, marked))
                ledger.commit(contents)
            advance(len(batch))
    return _Kept(ledger.rows(), "written", [row.id for row in planned])


def _shows(out: Path, row: Planned, images: Mapping[str, Any], content: str | None) -> bool:
    """Whether the file of an image is there and holds what was written, if anything was."""
    if content is None:
        return False
    channels = images[row.id]["size"][0]
    try:
        return content_hash(read_image(out / row.file_name, channels)) == content
    except BrokenImage:
        return False


def mark_image(image: Image, pattern: Pattern, levels: Sequence[int]) -> MarkedImage:
    """Marks one image; without a key it is resized to the size of the marked ones instead."""
    if levels:
        keys = torch.tensor([list(levels)]) / (LEVELS - 1)
        return pattern.apply(image[None], keys)[0]
    size = pattern.marked_size(*image.shape[-2:])
    if size == tuple(image.shape[-2:]):
        return image
    return functional.interpolate(image[None], size, mode="bicubic", antialias=True)[0].clamp(0, 1)
