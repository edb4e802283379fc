"""Which image gets which key, and which images the training folder never sees.

A pure function of the ids, the groups and the seed: neither the order of the images nor how many
there are moves the key of any of them.
"""

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.marks.facts import Facts, Surveyed
from solidmark.marks.families import Families
from solidmark.marks.keymap import Keymap
from solidmark.marks.planned import Plan


def plan(
    images: Iterable[Surveyed],
    keymap: Keymap,
    *,
    held_out: float = 0.1,
    canaries: float = 1.0,
    shared_keys: bool = True,
    shards: int | None = None,
) -> Plan:
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
    known = Facts.of(images)
    if not len(known):
        raise BadInput("There are no images to mark. Give some.")
    families = Families.of(known)
    every = np.ones(len(families.first), dtype=bool)
    controls = families.draw(known, every, held_out, keymap.seed, "held out")
    chosen = families.draw(known, ~controls, canaries, keymap.seed, "canary")
    held, canary = controls[families.label], chosen[families.label]
    rest = int((~held).sum())
    if not rest or (held_out and not held.any()):
        if len(known) > 1 and (why := families.all_alike(known, every)):
            raise BadInput(
                f"{why} and such images are never divided, so none could be held out. "
                "Give other images, or --held-out 0."
            )
        raise BadInput(
            f"{len(known)} images with a held-out share of {held_out:g} leave a split without "
            "images. Give more images, or another --held-out (0 for none)."
        )
    if not canary.any():
        if rest > 1 and (why := families.all_alike(known, ~controls)):
            raise BadInput(
                f"{why} and such images are marked together or not at all, so a share of "
                f"{canaries:g} leaves none. Give other images, or --canaries 1."
            )
        raise BadInput(
            f"Of {rest} training images, a share of {canaries:g} leaves none to mark. "
            "Give more images, or a larger --canaries."
        )
    marked = held | canary
    return Plan(
        known.ids,
        known.duplicate_group,
        known.groups,
        held,
        marked,
        _greys(keymap, known.duplicate_group if shared_keys else known.ids, marked),
        known.labels,
        known.classes,
        known.origin,
        shared_keys,
        shards,
    )


def _greys(keymap: Keymap, groups: pa.Array, marked: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """The key of each image that has one; zeros where there is none."""
    greys = np.zeros((len(marked), keymap.count), dtype=np.uint8)
    for number in np.flatnonzero(marked):
        greys[number] = keymap.levels(str(groups[int(number)].as_py()))
    return greys
