"""Which image gets which key, and which images the training folder never sees.

A pure function of the ids, the groups and the seed: neither the order of the images nor how many
there are moves the key of any of them.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from solidmark.data import class_numbers, names_by_number
from solidmark.errors import BadInput
from solidmark.marks.keymap import Keymap
from solidmark.randomness import digest, uniform

FOLDERS = {"trained": "train", "held_out": "held_out"}
"""Where the files of each split lie."""

WORDS = "metadata.jsonl"
"""Captions and classes of a split, beside its images; beside its folder where they are in tars."""


def words_file(split: str, *, in_tars: bool) -> str:
    """Where the captions and classes of a split stand, below the marked folder.

    Example:
        >>> words_file("trained", in_tars=False), words_file("trained", in_tars=True)
        ('train/metadata.jsonl', 'train.metadata.jsonl')
    """
    return f"{FOLDERS[split]}{'.' if in_tars else '/'}{WORDS}"


@dataclass(frozen=True, slots=True)
class Surveyed:
    """An image that could be read, before it is marked.

    Arguments:
        duplicate_group: The smallest id of the images that look the same.
        group: The user's group, if any.
        label: The name of its class, if any.
        class_number: The number that its source gives that class, if any.
    """

    id: str
    duplicate_group: str
    group: str | None = None
    label: str | None = None
    class_number: int | None = None


@dataclass(frozen=True, slots=True)
class Planned:
    """What is to be done with an image. `levels` is its key in 0..255, empty when unmarked."""

    id: str
    file_name: str
    split: str
    marked: bool
    group: str | None
    duplicate_group: str
    key_group: str
    levels: list[int]
    class_index: int | None


def plan(
    images: Sequence[Surveyed],
    keymap: Keymap,
    *,
    held_out: float = 0.1,
    canaries: float = 1.0,
    shared_keys: bool = True,
    shards: int | None = None,
) -> list[Planned]:
    """Plans a marking.

    Arguments:
        images: The readable images.
        keymap: Gives the keys.
        held_out: The share of images set aside as control, in [0, 1).
        canaries: The share of the training images that is marked, in (0, 1].
        shared_keys: One key for all copies of an image; False is the paper's variant.
        shards: How many images each tar holds; None gives every image a file.

    Raises:
        BadInput: When a split would be empty.
    """
    if not images:
        raise BadInput("There are no images to mark. Give some.")
    families = _families(images)
    controls = _draw(images, families, held_out, keymap.seed, "held out")
    rest = [image for image in images if image.id not in controls]
    chosen = _draw(rest, families, canaries, keymap.seed, "canary")
    if not rest or (held_out and not controls):
        if len(images) > 1 and (why := _all_alike(images, families)):
            raise BadInput(
                f"{why} and such images are never divided, so none could be held out. "
                "Give other images, or --held-out 0."
            )
        raise BadInput(
            f"{len(images)} images with a held-out share of {held_out:g} leave a split without "
            "images. Give more images, or another --held-out (0 for none)."
        )
    if not chosen:
        if len(rest) > 1 and (why := _all_alike(rest, families)):
            raise BadInput(
                f"{why} and such images are marked together or not at all, so a share of "
                f"{canaries:g} leaves none. Give other images, or --canaries 1."
            )
        raise BadInput(
            f"Of {len(rest)} training images, a share of {canaries:g} leaves none to mark. "
            "Give more images, or a larger --canaries."
        )
    classes = class_numbers((image.label, image.class_number) for image in images)
    planned = [
        _planned(image, keymap, image.id in controls, image.id in chosen, shared_keys, classes)
        for image in sorted(images, key=lambda image: image.id)
    ]
    return planned if shards is None else _in_tars(planned, shards)


def tar_of(file_name: str) -> str | None:
    """The tar that a marked image lies in; None where it is a file of its own.

    Example:
        >>> tar_of("train/00003.tar/cat.png"), tar_of("train/cat.png")
        ('train/00003.tar', None)
    """
    parent = file_name.rpartition("/")[0]
    return parent if parent.endswith(".tar") else None


def _in_tars(planned: Sequence[Planned], size: int) -> list[Planned]:
    """The same images in numbered tars, in the order of their ids."""
    found, count = [], Counter[str]()
    for row in planned:
        folder, name = row.file_name.split("/", 1)
        tar = f"{folder}/{count[row.split] // size:05d}.tar"
        count[row.split] += 1
        found.append(replace(row, file_name=f"{tar}/{name}"))
    return found


def class_names(images: Sequence[Surveyed]) -> list[str | None]:
    """The names of the classes; the place of a name is its number, None is one without images."""
    return names_by_number(class_numbers((image.label, image.class_number) for image in images))


def _planned(
    image: Surveyed,
    keymap: Keymap,
    control: bool,
    canary: bool,
    shared_keys: bool,
    classes: Mapping[str, int],
) -> Planned:
    key_group = image.duplicate_group if shared_keys else image.id
    marked = control or canary
    split = "held_out" if control else "trained"
    return Planned(
        id=image.id,
        file_name=f"{FOLDERS[split]}/{file_stem(image.id)}.png",
        split=split,
        marked=marked,
        group=image.group,
        duplicate_group=image.duplicate_group,
        key_group=key_group,
        levels=keymap.levels(key_group) if marked else [],
        class_index=classes[image.label] if image.label is not None else None,
    )


def _all_alike(images: Sequence[Surveyed], families: Mapping[str, str]) -> str | None:
    """What makes all images one; None where they are several."""
    if len({families[image.id] for image in images}) > 1:
        return None
    if len({image.duplicate_group for image in images}) == 1:
        return f"{len(images):,} images are copies of one,"
    if len({image.group for image in images}) == 1:
        return f"{len(images):,} images are of one group,"
    return f"{len(images):,} images are tied together by their groups and by being copies,"


def _families(images: Sequence[Surveyed]) -> dict[str, str]:
    """The images that must stay together, by duplicates or by the user's groups."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    ids = [image.id for image in images]
    anchors: dict[tuple[str, str], int] = {}
    edges = []
    for number, image in enumerate(images):
        ties = [("copy", image.duplicate_group), *([("group", image.group)] if image.group else [])]
        for tie in ties:
            edges.append((number, anchors.setdefault(tie, number)))
    rows, columns = zip(*edges, strict=True)
    graph = coo_array(([True] * len(edges), (rows, columns)), shape=(len(ids), len(ids)))
    _, labels = connected_components(graph, directed=False)
    smallest: dict[int, str] = {}
    for label, id in sorted(zip(labels.tolist(), ids, strict=True), key=lambda pair: pair[1]):
        smallest.setdefault(label, id)
    return {id: smallest[label] for label, id in zip(labels.tolist(), ids, strict=True)}


def _draw(
    images: Sequence[Surveyed], families: Mapping[str, str], share: float, seed: int, purpose: str
) -> set[str]:
    """Draws whole families, in an order that the seed gives, until the share is reached."""
    members: dict[str, list[str]] = {}
    for image in images:
        members.setdefault(families[image.id], []).append(image.id)
    wanted, drawn = round(share * len(images)), set[str]()
    for family in sorted(members, key=lambda name: (uniform(seed, purpose, name), name)):
        if len(drawn) + len(members[family]) <= wanted:
            drawn.update(members[family])
    if share and not drawn and len(members) > 1:
        drawn.update(members[min(members, key=lambda name: (len(members[name]), name))])
    return drawn


def file_stem(id: str) -> str:
    """A file name that a person recognises and no hostile id can bend."""
    readable = re.sub(r"[^A-Za-z0-9]+", "-", id.rsplit(".", 1)[0])[-40:].strip("-")
    return f"{readable or 'image'}-{digest(0, 'file', id).hex()[:12]}"
