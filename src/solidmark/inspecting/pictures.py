"""What a set of pictures is: how many, of what size, with what words, and what is not used."""

from collections import Counter
from typing import Any

from solidmark.data import Records, open_data
from solidmark.data.decode import glance
from solidmark.errors import BrokenImage
from solidmark.inspecting.description import Description
from solidmark.runs import command_line, path_word

LOOKED = 500
"""So many pictures are looked at, from all over the set: their heads alone."""

LARGEST, MULTIPLE = 512, 8
"""Of the side that is proposed where pictures differ in size: networks halve it a few times."""

FEW = 20
"""Fewer images can hardly show anything."""


def describe_pictures(where: str) -> Description:
    """What a set of pictures is.

    Arguments:
        where: As `open_data` takes it.

    Raises:
        NotFound: When there is nothing.
        BadInput: When there are no pictures, or the source cannot be read.
    """
    records = open_data(where)
    inventory = records.inventory
    assert inventory is not None  # `open_data` counts what it opens.
    facts: dict[str, Any] = {
        "images": inventory.images,
        "captions": inventory.captions,
        "classes": inventory.classes,
    }
    if inventory.by_folder:
        facts["classes are"] = "the folders"
    facts["not used"] = ", ".join(map(str, inventory.left_out)) or "nothing"
    sizes, modes, broken = _heads(records)
    side = None
    if sizes:
        widths, heights = zip(*sizes, strict=True)
        facts["resolution"] = _range(widths, heights)
        facts["modes"] = ", ".join(f"{mode} {count:,}" for mode, count in modes.most_common())
        side = None if len(sizes) == 1 else _side(min(*widths, *heights))
    looked = min(LOOKED, len(records))
    facts["looked at"] = f"{looked:,} of {len(records):,}" + (
        f", of which {broken:,} cannot be read" if broken else ""
    )
    words = ["mark", path_word(where), "MARKED"]
    if side is not None:
        words += ["--resolution", str(side)]
    if not inventory.images or not sizes:
        missing = "An image that can be read."
        return Description("pictures that cannot be read", facts, "no.", missing)
    few = inventory.images < FEW
    how = "a model that is trained on them, once they are marked" + (
        f"; {inventory.images} are too few to show much." if few else "."
    )
    return Description("a set of pictures", facts, how, next=(command_line(*words),))


def _heads(records: Records) -> tuple[set[tuple[int, int]], Counter[str], int]:
    """The sizes and modes of some pictures, and how many of them cannot be read."""
    sizes: set[tuple[int, int]] = set()
    modes: Counter[str] = Counter()
    broken = 0
    every = max(1, -(-len(records.records) // LOOKED))
    for record in records.records[::every]:
        if record.flaw is not None:
            continue
        try:
            head = glance(record.load())
        except BrokenImage:
            broken += 1
            continue
        sizes.add((head.width, head.height))
        modes[head.mode] += 1
    return sizes, modes, broken


def _range(widths: tuple[int, ...], heights: tuple[int, ...]) -> str:
    small, large = (min(widths), min(heights)), (max(widths), max(heights))
    first, last = (f"{width} x {height}" for width, height in (small, large))
    return f"{first} pixels" if small == large else f"{first} to {last} pixels (width x height)"


def _side(smallest: int) -> int:
    side = min(smallest, LARGEST)
    return max(1, side // MULTIPLE * MULTIPLE or side)
