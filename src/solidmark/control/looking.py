"""The pictures of both sides, each once, as the test of a control wants them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from solidmark.data import Sample, content_hash, group_duplicates, sign
from solidmark.errors import BrokenImage
from solidmark.randomness import uniform
from solidmark.types import Image

MOST = 1000
"""At most so many images of a side are looked at, drawn by their ids under the seed."""


@dataclass(frozen=True)
class Side:
    """A set of images.

    Arguments:
        ids: Theirs.
        read: Gives the sample of an id, its image without a frame; raises `BrokenImage`.
    """

    ids: Sequence[str]
    read: Callable[[str], Sample]


@dataclass(frozen=True)
class Look:
    """A picture of a side.

    Arguments:
        id: Of the first image that shows it.
        image: Its pixels, without a frame.
    """

    id: str
    image: Image


def looks_of(trained: Side, held_out: Side, seed: int) -> tuple[list[Look], list[Look]]:
    """Draws and reads images of both sides.

    Copies, near-copies and images of one group (a patient) came to their side together, so they
    are one picture here. A held-out image that was trained on is no control, and is left out.
    """
    own = _drawn(trained, seed)
    known = {content_hash(look.image) for look, _ in own}
    other = [
        (look, group)
        for look, group in _drawn(held_out, seed)
        if content_hash(look.image) not in known
    ]
    return _once(own), _once(other)


def _drawn(side: Side, seed: int) -> list[tuple[Look, str | None]]:
    """The pictures of a side that can be read, each with the name of its group."""
    order = sorted(side.ids, key=lambda id: uniform(seed, "control", id))
    found: list[tuple[Look, str | None]] = []
    for id in order:
        if len(found) == MOST:
            break
        try:
            sample = side.read(id)
        except BrokenImage:
            continue
        found.append((Look(id, sample.image), sample.group))
    return found


def _once(looks: Sequence[tuple[Look, str | None]]) -> list[Look]:
    if not looks:
        return []
    ids = [look.id for look, _ in looks]
    cluster = group_duplicates(ids, [sign(look.image) for look, _ in looks])
    seen: set[tuple[str, str]] = set()
    kept = []
    for look, group in looks:
        names = {("picture", cluster[look.id])} | ({("group", group)} if group else set())
        if not names & seen:
            kept.append(look)
        seen |= names
    return kept
