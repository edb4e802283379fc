"""What networks are given: squares of one size, scaled to the range they were trained on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image as Picture

from solidmark.data import Mode, to_picture
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.types import Image

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)
FILTERS = {"bilinear": Picture.Resampling.BILINEAR, "bicubic": Picture.Resampling.BICUBIC}


@dataclass(frozen=True)
class Squares:
    """Resizes images to squares, whatever their shape, and normalises their channels.

    Squeezing, not cropping: a copy that lost its margin is still to be found, and what stands at
    the edge of an image counts. Images are rounded to 8 bits, as they were when the networks were
    trained. Pillow's filters are antialiased when they make an image smaller.

    Arguments:
        side: In pixels.
        mode: "RGB" (grey images become three equal channels) or "L" (colours become grey).
        filter: How pixels are interpolated.
        mean: Subtracted from each channel, in [0, 1].
        std: What each channel is divided by after that.

    Raises:
        BadInput: When the side is no size.
    """

    side: int
    mode: Mode = "RGB"
    filter: Literal["bilinear", "bicubic"] = "bicubic"
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if self.side < 1:
            raise BadInput(f'An input size of "{self.side}" pixels is no image. Use 1 or more.')

    def __str__(self) -> str:
        shape = f"{self.side} x {self.side} {self.mode}, {self.filter}"
        same = self.mean == (0.0,) and self.std == (1.0,)
        return shape if same else f"{shape}, mean {list(self.mean)}, std {list(self.std)}"

    def bytes(self, images: Sequence[Image]) -> NDArray[np.uint8]:
        """The squares before they are normalised, with shape (B, side, side, C)."""
        squares = [self._resized(to_picture(image)) for image in images]
        return np.stack(squares).reshape(len(squares), self.side, self.side, -1)

    def tensor(self, images: Sequence[Image]) -> Float[Tensor, "B C side side"]:
        """The normalised squares, float32."""
        values = torch.from_numpy(self.bytes(images)).permute(0, 3, 1, 2).float() / 255
        mean = torch.tensor(self.mean).reshape(-1, 1, 1)
        return ((values - mean) / torch.tensor(self.std).reshape(-1, 1, 1)).contiguous()

    def _resized(self, picture: Picture.Image) -> NDArray[np.uint8]:
        size = (self.side, self.side)
        picture = picture.convert(self.mode)
        return np.asarray(picture.resize(size, FILTERS[self.filter]), dtype=np.uint8)


def imagenet(side: int, filter: Literal["bilinear", "bicubic"] = "bicubic") -> Squares:
    """Squares in colour, normalised by the mean and the spread of ImageNet's pixels.

    Arguments:
        side: In pixels.
        filter: How pixels are interpolated.
    """
    return Squares(side, "RGB", filter, IMAGENET_MEAN, IMAGENET_STD)
