"""Perceptual hashes as vectors, so that one engine searches them all.

A hash of b bits is the vector of its bits as :math:`\\pm 1 / \\sqrt b`; the dot product of two is

.. math:: s = 1 - 2 h / b

where h is the Hamming distance, the number of bits in which they differ. Strangers differ in half
of the bits: s is near 0. A blank picture has no hash but that of its rounding noise, so its row is
zero, and it resembles nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image as Picture

from solidmark.cards import EMBEDDERS
from solidmark.data import to_picture
from solidmark.embed.embedder import EmbedderCard
from solidmark.errors import MissingCapability
from solidmark.late import Tensor, torch
from solidmark.types import Image

Bits = NDArray[np.bool_]
FLAT = 1.0
"""Below this standard deviation of its grey levels, of 255, a picture counts as blank."""


@dataclass(frozen=True)
class PerceptualHash:
    """pHash: which of the 64 lowest frequencies of a small grey copy lie above their median.

    References:
        Zauner (2010), as in the package imagehash.
    """

    @property
    def card(self) -> EmbedderCard:
        return EmbedderCard("phash", "imagehash.phash", "", 32, 64, EMBEDDERS["phash"].paper)

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        import imagehash

        pictures = [to_picture(image) for image in images]
        return _vectors(pictures, [imagehash.phash(p).hash.flatten() for p in pictures])


@dataclass(frozen=True)
class Pdq:
    """PDQ: 256 bits from the frequencies of a 64 x 64 copy, made for matching at scale.

    The authors count pictures as copies up to 31 of 256 bits, a similarity of 0.76. They say that
    hashes of quality below 50 of 100 (few edges) should not be trusted; here only blank pictures
    have none.

    Raises:
        MissingCapability: When the package pdqhash is not installed.

    References:
        Davis and Rosen, "The TMK+PDQF video-hashing algorithm and the PDQ image-hashing algorithm"
        (Facebook, 2019).
    """

    def __post_init__(self) -> None:
        _pdqhash()

    @property
    def card(self) -> EmbedderCard:
        return EmbedderCard("pdq", "pdqhash", "", 64, 256, EMBEDDERS["pdq"].paper)

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        compute = _pdqhash().compute
        pictures = [to_picture(image).convert("RGB") for image in images]
        bits = [compute(np.array(picture))[0].astype(bool) for picture in pictures]
        return _vectors(pictures, bits)


def _vectors(pictures: Sequence[Picture.Image], bits: Sequence[Bits]) -> Float[Tensor, "B D"]:
    rows = np.stack([2.0 * b - 1.0 for b in bits]) / np.sqrt(len(bits[0]))
    blank = [np.asarray(picture.convert("L")).std() < FLAT for picture in pictures]
    rows[blank] = 0.0
    return torch.from_numpy(rows.astype(np.float32))


def _pdqhash() -> Any:
    try:
        import pdqhash
    except ImportError as error:
        raise MissingCapability(
            'The embedder "pdq" needs a package. Install it: pip install pdqhash'
        ) from error
    return pdqhash
