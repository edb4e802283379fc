"""How alike two pictures look: one question, whatever answers it.

A likeness is high for pictures that look alike and 1 for equal ones. Embedders give the cosine of
the angle between two vectors, in [-1, 1]; for a distance of pixels it is 1 less the distance, in
[0, 1]. No value means anything by itself: `unrelated` says what different pictures have.
"""

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from solidmark.data import content_hash
from solidmark.embed import EMBEDDERS, Embedder, open_embedder
from solidmark.errors import BadInput, UnknownName
from solidmark.late import Tensor, torch
from solidmark.randomness import digest

TILES = {"l2": 1, "patched-l2": 4}
"""The distances of pixels, by g of the g x g tiles of which the worst counts."""

TIE = 1e-5
"""Likenesses that are no further apart are equal. Each is a sum of up to a million float32 products
in 16 or more partial sums, whose roundings of 6e-8 come to at most 2e-5 as a walk of random steps
and, under the root of a distance, to half of that; for a picture of 64 pixels it is 1e-7. Equal
pictures, and one picture beside two equal ones, are compared with different neighbours and in
different batches, so that they need not have equal bits."""

Picture = Float[Tensor, "_ _ _"]
"""An image, float32 in [0, 1], with shape (C, H, W); those of two sides may differ in size."""

BATCH = 256
"""Images that are embedded, or rows that are compared, at a time."""


@runtime_checkable
class Likeness(Protocol):
    """A way to say how alike two pictures look."""

    @property
    def name(self) -> str: ...

    def rows(self, images: Sequence[Picture]) -> Float[Tensor, "N D"]:
        """What is kept of pictures to compare them later; float32 on the CPU."""
        ...

    def between(
        self, rows: Float[Tensor, "N D"], others: Float[Tensor, "M D"]
    ) -> Float[Tensor, "N M"]:
        """The likeness of each row to each other; high = alike, at most 1."""
        ...

    def pairs(self, images: Sequence[Picture], others: Sequence[Picture]) -> Float[Tensor, " N"]:
        """The likeness of each picture to the one at its own place; high = alike, at most 1."""
        ...

    def card(self) -> dict[str, Any]:
        """What everybody must know before reading a number of it."""
        ...


@dataclass(frozen=True)
class PixelLikeness:
    """1 less the root mean square difference: of the whole picture, or of the worst of its tiles.

    Arguments:
        name: As it is asked for.
        tiles: g of the g x g tiles; 1 = the whole picture.

    References:
        Carlini et al., 2023, section 4 (the distances; the scale is ours).
    """

    name: str
    tiles: int = 1

    def rows(self, images: Sequence[Picture]) -> Float[Tensor, "N D"]:
        """The pixels, tile after tile.

        Raises:
            BadInput: When sizes differ, or tiles do not divide them.
        """
        sizes = {tuple(image.shape) for image in images}
        if len(sizes) > 1:
            raise BadInput(
                f"{self.name} compares pictures of one size, and there are {len(sizes)}. "
                "Name an embedder, or bring the pictures to one size."
            )
        for side in next(iter(sizes), (0, 0, 0))[-2:]:
            if side % self.tiles:
                raise BadInput(
                    f"{self.name} cuts pictures into {self.tiles} x {self.tiles} tiles, which do "
                    f"not divide a side of {side} pixels. Name l2, or an embedder."
                )
        batch = torch.stack([image.detach().float().cpu() for image in images])
        cut = batch.unflatten(3, (self.tiles, -1)).unflatten(2, (self.tiles, -1))
        return cut.permute(0, 2, 4, 1, 3, 5).reshape(len(batch), -1)

    def between(
        self, rows: Float[Tensor, "N D"], others: Float[Tensor, "M D"]
    ) -> Float[Tensor, "N M"]:
        kept = others.unflatten(1, (self.tiles**2, -1)).transpose(0, 1)
        found = []
        for part in rows.split(BATCH):
            tiles = part.unflatten(1, (self.tiles**2, -1)).transpose(0, 1)
            # Not by the product of matrices: that says that equal pictures differ a little.
            far = torch.cdist(tiles, kept, compute_mode="donot_use_mm_for_euclid_dist")
            found.append(1 - far.amax(0) / tiles.shape[2] ** 0.5)
        return torch.cat(found)

    def pairs(self, images: Sequence[Picture], others: Sequence[Picture]) -> Float[Tensor, " N"]:
        count = len(images)
        both = self.rows([*images, *others]).unflatten(1, (self.tiles**2, -1))
        far = (both[:count] - both[count:]).square().mean(2).sqrt()
        return 1 - far.amax(1)

    def card(self) -> dict[str, Any]:
        how = "whole picture" if self.tiles == 1 else f"worst of {self.tiles} x {self.tiles} tiles"
        unit = f"1 - root mean square difference of the {how}, in [0, 1]"
        paper = "Carlini et al., 2023, section 4"
        return {"name": self.name, "unit": unit, "direction": "high", "paper": paper}


@dataclass(frozen=True)
class EmbedderLikeness:
    """The cosine between the vectors of an embedder.

    Arguments:
        embedder: Who embeds.
    """

    embedder: Embedder

    @property
    def name(self) -> str:
        return self.embedder.card.name

    def rows(self, images: Sequence[Picture]) -> Float[Tensor, "N D"]:
        parts = [images[start : start + BATCH] for start in range(0, len(images), BATCH)]
        return torch.cat([self.embedder.embed(part) for part in parts])

    def between(
        self, rows: Float[Tensor, "N D"], others: Float[Tensor, "M D"]
    ) -> Float[Tensor, "N M"]:
        return (rows @ others.T).clamp(-1, 1)

    def pairs(self, images: Sequence[Picture], others: Sequence[Picture]) -> Float[Tensor, " N"]:
        return (self.rows(images) * self.rows(others)).sum(1).clamp(-1, 1)

    def card(self) -> dict[str, Any]:
        unit = {"unit": "similarity in [-1, 1]", "direction": "high"}
        return {**asdict(self.embedder.card), **unit}


def embedder_of(likeness: Likeness) -> Embedder | None:
    """The embedder of a likeness that has one."""
    return likeness.embedder if isinstance(likeness, EmbedderLikeness) else None


def weights_of(likeness: Likeness) -> dict[str, str]:
    """What a likeness is recognised by beside its name: the hash of its weights, if it has some."""
    weights = likeness.card().get("weights")
    return {"similarity": str(weights)} if weights else {}


def open_likeness(word: str, device: str = "cpu") -> Likeness:
    """The likeness that a command line names.

    Arguments:
        word: `l2`, `patched-l2`, or what `embed.open_embedder` takes.
        device: Where an embedder runs.

    Raises:
        UnknownName: When there is no such likeness.
        NotFound: When the weights of an embedder are not there.
    """
    require_likeness(word)
    if word in TILES:
        return PixelLikeness(word, TILES[word])
    return EmbedderLikeness(open_embedder(word, device=device))


def require_likeness(word: str) -> None:
    """Checks that there is a likeness of this name, without opening it.

    Raises:
        UnknownName: When there is none.
    """
    if word not in TILES and re.split("[:@]", word)[0] not in EMBEDDERS:
        raise UnknownName("similarity", word, [*TILES, *EMBEDDERS])


def unrelated(
    likeness: Likeness, images: Sequence[Picture], seed: int, pairs: int = 10_000
) -> Float[NDArray[np.float64], " P"]:
    """How alike pictures are that have nothing to do with one another.

    Pictures of equal pixels count once: a copy is no unrelated picture.

    Arguments:
        likeness: Who compares.
        images: Pictures, at least two of them different.
        seed: Of the choice of pairs, where there are more than enough.
        pairs: At most so many.

    Returns:
        The likeness of each pair, float64, in the order of the pairs.

    Raises:
        BadInput: When no two pictures differ.
    """
    different = list({content_hash(image): image for image in images}.values())
    if len(different) < 2:
        raise BadInput(
            f"No two of the {len(images)} pictures differ, so nothing says how alike unrelated "
            "pictures look. Name a threshold, or more pictures."
        )
    first, second = np.triu_indices(len(different), 1)
    if len(first) > pairs:
        number = int.from_bytes(digest(seed, "unrelated pairs")[:8], "big")
        chosen = np.random.default_rng(number).choice(len(first), pairs, replace=False)
        first, second = first[np.sort(chosen)], second[np.sort(chosen)]
    rows = likeness.rows(different)
    found = np.empty(len(first))
    for one in np.unique(first):
        mine = first == one
        found[mine] = likeness.between(rows[one : one + 1], rows[second[mine]])[0].double().numpy()
    return found
