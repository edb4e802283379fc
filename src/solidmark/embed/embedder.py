"""An embedder: images become vectors of length 1 whose dot product says how alike they look."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Protocol, runtime_checkable

from jaxtyping import Float

from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.types import Image


@dataclass(frozen=True)
class EmbedderCard:
    """What stands with every number that an embedder gives.

    Thresholds hold for one model, one input size and one kind of image, so no similarity means
    anything without these.

    Arguments:
        name: Of the embedder in tables: "sscd", "dinov2".
        model: The hub id or the path, as the user gave it.
        weights: The first 16 hexadecimal characters of the SHA-256 of the bytes of the files that
            the network is made of, its configuration among them; empty where there are none.
        input_size: The side in pixels that the network gets; None where it gets what there is.
        dimensions: The length of a vector.
        paper: Where it is described.
        preparation: How an image is brought to the input size, and scaled.
    """

    name: str
    model: str
    weights: str
    input_size: int | None
    dimensions: int
    paper: str
    preparation: str = ""

    @property
    def key(self) -> str:
        """The hash of the whole card, 32 hexadecimal characters: what cached vectors go by."""
        text = json.dumps(asdict(self), sort_keys=True)
        return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


@runtime_checkable
class Embedder(Protocol):
    """Gives each image a vector. The similarity of two images is the dot product of theirs.

    Similarities are in [-1, 1]; high = close. Distances, where they are needed, are 1 - similarity.
    What an image becomes does not depend on the images beside it, to 1e-5.
    """

    @property
    def card(self) -> EmbedderCard: ...

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        """The vectors of some images.

        Arguments:
            images: At least one, with shape (C, H, W), C = 1 or 3, in [0, 1]. Sizes may differ.

        Returns:
            Float32 on the CPU, rows of length 1. A row of zeros where an image has nothing to be
            known by (it is blank, for pixels and hashes): its similarity to every image, itself
            included, is 0.

        Raises:
            BadInput: When a vector is not made of numbers.
        """
        ...


def unit_rows(rows: Float[Tensor, "B D"], name: str) -> Float[Tensor, "B D"]:
    """Divides rows by their lengths; a row of zeros stays one.

    Arguments:
        rows: What an embedder computed, on any device.
        name: Of the embedder, for the message.

    Returns:
        Float32 on the CPU.

    Raises:
        BadInput: When a value is infinite or not a number.

    Example:
        >>> unit_rows(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), "mine").tolist()
        [[0.6000000238418579, 0.800000011920929], [0.0, 0.0]]
    """
    values = rows.detach().to("cpu", torch.float64)  # Squares of float32 may leave its range.
    if not values.isfinite().all():
        broken = int((~values.isfinite()).any(dim=1).sum())
        raise BadInput(
            f'The embedder "{name}" gave values that are not numbers for {broken} of '
            f"{len(values)} images. Check its weights and what range it expects."
        )
    lengths = values.norm(dim=1, keepdim=True)
    return (values / torch.where(lengths > 0, lengths, 1.0)).to(torch.float32)
