"""Groups of copies: which images show one picture, and which of them is kept."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int
from numpy.typing import NDArray

from solidmark.data import group_duplicates
from solidmark.measures.copies.looking import Looked
from solidmark.measures.copies.similar import joined

KINDS = ("exact", "near", "embedding")
"""How a copy is tied to the image that is kept, the closest tie first."""


@dataclass(frozen=True)
class Copy:
    """An image of a group.

    Arguments:
        number: Of the image among those that were looked at.
        group: The smallest id of the group.
        kept: The number of the image of the group that is kept.
        kind: The closest way in which it and the kept one are copies; None for the kept one.
            `embedding` also where an embedder only ties both to others of the group.
    """

    number: int
    group: str
    kept: int
    kind: str | None


def group_copies(
    images: Sequence[Looked],
    pairs: Int[NDArray[np.int64], "E 2"] | None = None,
    *,
    near: bool = True,
) -> list[Copy]:
    """Groups images that are copies of one another, in any of the ways.

    Arguments:
        pairs: The numbers of those that an embedder sees alike.
        near: Whether re-encoded and resized copies count.

    Returns:
        The members of all groups of two or more: the largest groups first, by their names, the
        kept image first.
    """
    ids = [image.id for image in images]
    place = {id: number for number, id in enumerate(ids)}
    signed = group_duplicates(ids, [image.signature for image in images], near)
    looks = np.array([place[signed[id]] for id in ids], dtype=np.int64)
    ties = [np.stack([np.arange(len(ids)), looks], axis=1)]
    if pairs is not None:
        ties.append(pairs)
    members: dict[int, list[int]] = {}
    for number, group in enumerate(joined(len(ids), np.concatenate(ties)).tolist()):
        members.setdefault(group, []).append(number)
    groups = {
        min(ids[n] for n in some): sorted(some, key=lambda n: images[n].rank)
        for some in members.values()
        if len(some) > 1
    }
    return [
        Copy(number, name, some[0], _kind(images, looks, number, some[0]))
        for name, some in sorted(groups.items(), key=lambda item: (-len(item[1]), item[0]))
        for number in some
    ]


def _kind(images: Sequence[Looked], looks: NDArray[np.int64], number: int, kept: int) -> str | None:
    if number == kept:
        return None
    if images[number].content == images[kept].content:
        return "exact"
    return "near" if looks[number] == looks[kept] else "embedding"
