"""From a picture to the tensor that is marked and trained on: the same for every source."""

import hashlib
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from PIL import Image as Picture

from solidmark.data.decode import decode
from solidmark.errors import BadInput, UnknownName
from solidmark.types import Image

Mode = Literal["RGB", "L"]
MODES: tuple[Mode, ...] = ("RGB", "L")


@dataclass(frozen=True)
class Preparation:
    """Decodes a picture, cuts out its central square and scales it.

    Cutting before scaling costs no memory on a strip of 1 x 60000 pixels, and gives the square that
    scaling the shorter side first would, but for the filter's reach at its edges.

    Arguments:
        resolution: The side of the square, in pixels; `None` keeps the picture as it is.
        mode: "RGB" for three channels, "L" for one.

    Example:
        >>> image, content = Preparation(resolution=8, mode="L")(Picture.new("RGB", (30, 20)))
        >>> tuple(image.shape), len(content)
        ((1, 8, 8), 32)
    """

    resolution: int | None = None
    mode: Mode = "RGB"

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UnknownName("image mode", str(self.mode), MODES)
        if self.resolution is not None and self.resolution < 1:
            raise BadInput(
                f'A resolution of "{self.resolution}" pixels is no image. Use 1 or more.'
            )

    def __call__(self, data: bytes | Picture.Image) -> tuple[Image, str]:
        """Prepares one picture.

        Returns:
            The image, float32 with values k/255 and shape (C, H, W), and the hash of its pixels.

        Raises:
            BrokenImage: When it cannot be decoded.
        """
        picture = self.picture(data)
        return to_tensor(picture), content_hash(picture)

    def picture(self, data: bytes | Picture.Image) -> Picture.Image:
        """The prepared picture, 8 bits a channel, in this mode."""
        picture = decode(data).convert(self.mode)
        return picture if self.resolution is None else _square(picture, self.resolution)


def _square(picture: Picture.Image, resolution: int) -> Picture.Image:
    """The central square, scaled with an antialiasing filter, untouched when it fits."""
    width, height = picture.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    square = picture.crop((left, top, left + side, top + side))
    if side == resolution:
        return square
    return square.resize((resolution, resolution), Picture.Resampling.LANCZOS)


def to_tensor(picture: Picture.Image) -> Image:
    """A picture in mode "L" or "RGB" as float32 with values k/255 and shape (C, H, W)."""
    pixels = np.array(picture, dtype=np.uint8).reshape(picture.height, picture.width, -1)
    return torch.from_numpy(pixels).permute(2, 0, 1).to(torch.float32).contiguous() / 255


def to_picture(image: Image) -> Picture.Image:
    """The inverse of `to_tensor`: rounds to 8 bits, cuts off what is outside [0, 1].

    Arguments:
        image: Values in [0, 1], with shape (C, H, W), C = 1 or 3.
    """
    pixels = (image.detach().cpu().clamp(0, 1) * 255).round().to(torch.uint8)
    array = pixels.permute(1, 2, 0).contiguous().numpy()
    return Picture.fromarray(array[:, :, 0] if array.shape[2] == 1 else array)


def content_hash(image: Image | Picture.Image) -> str:
    """The hash of an image's 8-bit pixels: equal for equal pixels, whatever the file was.

    Anybody can compute it again: BLAKE2b with 16 bytes of "MODE WIDTHxHEIGHT", a newline and the
    pixels row by row, channels together.

    Returns:
        32 hexadecimal characters.
    """
    picture = image if isinstance(image, Picture.Image) else to_picture(image)
    state = hashlib.blake2b(digest_size=16)
    state.update(f"{picture.mode} {picture.width}x{picture.height}\n".encode())
    state.update(picture.tobytes())
    return state.hexdigest()
