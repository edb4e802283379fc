"""From a picture to the tensor that is marked and trained on: the same for every source."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from PIL import Image as Picture

from solidmark.cards.asked import MODES, Mode, Resolution, sides_of
from solidmark.data.aspect import AspectBuckets
from solidmark.data.decode import look
from solidmark.data.levels import window_of
from solidmark.errors import BrokenImage, UnknownName
from solidmark.late import torch
from solidmark.types import Image

CROPPED = 0.2
"""A line is said where cutting out the centre drops more than this share of a picture."""

NOTES: Mapping[str, str] = {
    "narrow": "{images} of more than 8 bits came out in fewer than 32 of 256 grey levels: give "
    "--window LOW:HIGH (the values of black and white), or --window used",
    "cropped": "cutting out the centre drops more than a fifth of {images}: --resolution "
    "HEIGHTxWIDTH or --buckets keeps another shape",
    "frames": "{images} of several frames: the first was taken",
}
"""What may be lost of a picture, and the sentence that says of how many."""


@dataclass(frozen=True)
class Prepared:
    """An image, and what was lost on the way.

    Arguments:
        image: Float32 with values k/255 and shape (C, H, W).
        content: The hash of its pixels.
        notes: Of `NOTES`.
    """

    image: Image
    content: str
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Preparation:
    """Decodes a picture, cuts out its centre and scales it.

    Cutting before scaling costs no memory on a strip of 1 x 60000 pixels, and gives the square that
    scaling the shorter side first would, but for the filter's reach at its edges.

    Arguments:
        resolution: The side of the square in pixels, or "HEIGHTxWIDTH"; `None` keeps the picture
            as it is.
        mode: "RGB" for three channels, "L" for one.
        window: Which values of deep pictures are black and white: "full", "used" or "LOW:HIGH".
        grey: Whether pictures in colour are refused: "L" was not asked for, but found.
        buckets: The sizes that pictures are sorted into by their shape, in place of a resolution.

    Example:
        >>> image, content = Preparation(resolution=8, mode="L")(Picture.new("RGB", (30, 20)))
        >>> tuple(image.shape), len(content)
        ((1, 8, 8), 32)
    """

    resolution: Resolution | None = None
    mode: Mode = "RGB"
    window: str = "full"
    grey: bool = False
    buckets: AspectBuckets | None = None

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UnknownName("image mode", str(self.mode), MODES)
        window_of(self.window)
        if self.resolution is not None:
            sides_of(self.resolution)

    def __call__(self, data: bytes | Picture.Image) -> tuple[Image, str]:
        """Prepares one picture.

        Returns:
            The image, float32 with values k/255 and shape (C, H, W), and the hash of its pixels.

        Raises:
            BrokenImage: When it cannot be decoded.
        """
        prepared = self.prepared(data)
        return prepared.image, prepared.content

    def picture(self, data: bytes | Picture.Image) -> Picture.Image:
        """The prepared picture, 8 bits a channel, in this mode."""
        return self._picture(data)[0]

    def prepared(self, data: bytes | Picture.Image) -> Prepared:
        """Prepares one picture, and says what was lost.

        Raises:
            BrokenImage: When it cannot be decoded.
        """
        picture, notes = self._picture(data)
        return Prepared(to_tensor(picture), content_hash(picture), notes)

    def _picture(self, data: bytes | Picture.Image) -> tuple[Picture.Image, tuple[str, ...]]:
        decoded = look(data, self.window)
        picture = decoded.picture
        if self.grey and picture.mode == "RGB" and not _is_grey(picture):
            raise BrokenImage(
                "It is in colour, where the first pictures are grey. Give --mode RGB (all in "
                "colour) or --mode L (all grey)."
            )
        found = {"narrow": decoded.narrow, "frames": decoded.frames > 1}
        picture = picture.convert(self.mode)
        size = self._size(picture)
        if size is not None:
            height, width = size
            before = picture.width * picture.height
            box = _centre(picture.width, picture.height, width, height)
            kept = (box[2] - box[0]) * (box[3] - box[1])
            found["cropped"] = kept < (1 - CROPPED) * before
            picture = _scaled(picture, box, (width, height))
        return picture, tuple(name for name in NOTES if found.get(name))

    def _size(self, picture: Picture.Image) -> tuple[int, int] | None:
        """The height and width that it is brought to; None where it keeps its own."""
        if self.buckets is not None:
            return self.buckets.picture(picture.height, picture.width)
        return None if self.resolution is None else sides_of(self.resolution)


def lost_lines(counts: Mapping[str, int]) -> list[str]:
    """What was lost of how many images, a sentence each.

    Arguments:
        counts: The number of images by the name of the note.

    Example:
        >>> lost_lines({"frames": 1, "cropped": 0})
        ['1 image of several frames: the first was taken.']
    """
    return [
        sentence.format(images=f"{counts[name]:,} image{'' if counts[name] == 1 else 's'}") + "."
        for name, sentence in NOTES.items()
        if counts.get(name)
    ]


def _is_grey(picture: Picture.Image) -> bool:
    """Whether the three channels are equal."""
    red, green, blue = picture.split()
    return red.tobytes() == green.tobytes() == blue.tobytes()


def _centre(width: int, height: int, wide: int, high: int) -> tuple[int, int, int, int]:
    """The largest box in the middle whose sides are as `wide` to `high`."""
    if width * high <= height * wide:
        across, down = width, max(1, (width * high + wide // 2) // wide)
    else:
        across, down = max(1, (height * wide + high // 2) // high), height
    left, top = (width - across) // 2, (height - down) // 2
    return left, top, left + across, top + down


def _scaled(
    picture: Picture.Image, box: tuple[int, int, int, int], size: tuple[int, int]
) -> Picture.Image:
    """A box of the picture, scaled with an antialiasing filter, untouched when it fits."""
    part = picture.crop(box)
    return part if part.size == size else part.resize(size, Picture.Resampling.LANCZOS)


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
