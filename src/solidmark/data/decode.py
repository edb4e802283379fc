"""Any picture file as 8-bit grey or colour pixels, upright and without transparency.

Whatever cannot be read is one `BrokenImage` with one line, never a warning and never a crash: one
bad file among a hundred thousand must not end a run.
"""

import io
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from solidmark.data.bombs import refuse_bomb, too_many_pixels
from solidmark.data.dicom import decode_dicom, head_of_dicom, is_dicom
from solidmark.data.levels import Window, is_narrow, window_of
from solidmark.errors import BrokenImage

_GREY = {"1", "L", "LA", "La"}
_FORBIDDEN = {"EPS"}
# Unreadable EXIF tells nothing about the pixels, and web photographs are full of it.
_HARMLESS = r"(?i)(possibly )?corrupt exif|metadata warning"
# Warning filters belong to the whole process; two threads that set and restore them at the same
# time would leave them wrong.
_LOCK = threading.RLock()


@dataclass(frozen=True)
class Decoded:
    """A picture, and what was lost on the way.

    Arguments:
        picture: In mode "L" or "RGB".
        narrow: Whether it had more than 8 bits, and few of the 256 levels are left.
        frames: How many pictures the file holds; the first was taken.
    """

    picture: Image.Image
    narrow: bool = False
    frames: int = 1


def decode(data: bytes | Image.Image, window: str = "full") -> Image.Image:
    """Decodes a picture, as `look` does, and says nothing of what was lost.

    Raises:
        BrokenImage: When it cannot be read.
    """
    return look(data, window).picture


def look(data: bytes | Image.Image, window: str = "full") -> Decoded:
    """Decodes a picture: upright, 8 bits a channel, transparency on white, the first frame.

    Grey, 1-bit and 16-bit pictures become mode "L", everything else "RGB". By default 16-bit and
    32-bit integers are read as 0 ... 65535, floats as 0 ... 1 when they stay in it, else as
    0 ... 255, and DICOM files as their own window says, else in the range of their bits.

    Arguments:
        data: The bytes of a file, or an open picture.
        window: The values of black and white of deep pictures (`window_of`).

    Raises:
        BrokenImage: When it is no image, is truncated, empty, too large (Pillow's limit of
            pixels, `Image.MAX_IMAGE_PIXELS`) or holds values without a meaning.
    """
    asked = window_of(window)
    with _reading():
        if isinstance(data, bytes) and is_dicom(data):
            warnings.simplefilter("ignore")
            picture = decode_dicom(data, asked)
            return Decoded(picture, is_narrow(picture))
        return _decoded(data, asked)


@dataclass(frozen=True)
class Head:
    """What the head of a picture says; no pixel is read.

    Arguments:
        width: In pixels, as stored: not turned.
        height: The same.
        mode: As Pillow calls it; "L" or "RGB" of DICOM files.
    """

    width: int
    height: int
    mode: str


def glance(data: bytes | Image.Image) -> Head:
    """Reads the head of a picture.

    Raises:
        BrokenImage: When it is no image, or one that `look` would refuse by its size.
    """
    with _reading():
        if isinstance(data, bytes) and is_dicom(data):
            warnings.simplefilter("ignore")
            return Head(*head_of_dicom(data))
        image = _opened(data)
        return Head(image.width, image.height, image.mode)


def is_grey(data: bytes | Image.Image) -> bool:
    """Whether a picture is stored without colour, as far as its head tells; no pixel is read."""
    try:
        mode = glance(data).mode
    except BrokenImage:  # Whoever decodes it says what is wrong.
        return False
    return mode in _GREY or mode[0] in "IF"


@contextmanager
def _reading() -> Iterator[None]:
    """Whatever a decoder raises or warns of is one `BrokenImage`."""
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", message=_HARMLESS)
        try:
            yield
        except BrokenImage:
            raise
        except Exception as error:  # Hostile bytes make a decoder raise anything.
            raise BrokenImage(_reason(error)) from error


def _decoded(data: bytes | Image.Image, window: Window) -> Decoded:
    image = _opened(data)
    tiles = getattr(image, "tile", None)
    stored = tiles[0].args if tiles else ""
    image.load()
    frames = getattr(image, "n_frames", 1)
    key = _transparent(image, stored if isinstance(stored, str) else "")
    picture = _flatten(_upright(image), window, key)
    deep = image.mode[0] in "IF" or str(stored).startswith("RGB;16")
    return Decoded(picture, deep and is_narrow(picture), frames)


def _opened(data: bytes | Image.Image) -> Image.Image:
    """Opens a file at its first frame."""
    if isinstance(data, Image.Image):
        image = data
    elif data:
        image = Image.open(io.BytesIO(data))
    else:
        raise BrokenImage("The file is empty.")
    if image.format in _FORBIDDEN:  # Pillow would start another program on it.
        raise BrokenImage(f"{image.format} files are not read. Convert it to PNG.")
    if 0 in image.size:
        raise BrokenImage(f"The image has {image.width} x {image.height} pixels.")
    refuse_bomb(*image.size)
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Turns the image as its EXIF orientation says; unreadable EXIF says nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # The tags are as hostile as the rest of the file; the pixels are read.
        return image


def _transparent(image: Image.Image, stored: str) -> Any:
    """The grey or colour that a PNG calls transparent, on the scale of the pixels as loaded.

    The file names it in its own bits; Pillow spreads pixels of 1, 2 and 4 bits over 8, and keeps
    the upper 8 of colours of 16.
    """
    key = image.info.get("transparency")
    if isinstance(key, int) and image.mode in ("1", "L"):
        bits = int(stored.partition(";")[2] or 8) if stored.startswith("L;") else 8
        return key * 255 if stored == "1" else key * 255 // (2**bits - 1)
    if isinstance(key, tuple) and stored.startswith("RGB;16"):
        return tuple(value >> 8 for value in key)
    return key


def _flatten(image: Image.Image, window: Window, key: Any) -> Image.Image:
    """8 bits a channel, with white where the picture is transparent."""
    if image.mode[0] in "IF":
        values = np.asarray(image)
        picture = window.levels(values, _full(values))
        if isinstance(key, int):
            picture.paste(255, mask=Image.fromarray(values == key))
        return picture
    mode = "L" if image.mode in _GREY else "RGB"
    if image.has_transparency_data:
        if image.mode in ("1", "L", "RGB") and key is not None:
            image = image.convert(mode)
            image.info["transparency"] = key
        front = image.convert("RGBA")
        image = Image.new("RGBA", image.size, "white")
        image.alpha_composite(front)
    return image.convert(mode)


def _full(values: Any) -> tuple[float, float]:
    """What black and white are where nobody says: of 16 bits, of shares, or of 8 bits."""
    if values.dtype.kind != "f":
        return 0, 65535
    return (0, 1) if float(values.max()) <= 1 else (0, 255)


def _reason(error: Exception) -> str:
    """One line for a person."""
    if isinstance(error, UnidentifiedImageError):
        return "It is not an image of a known format."
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return too_many_pixels()
    text = " ".join(str(error).split()) or type(error).__name__
    return f"It cannot be decoded ({text[:200]})."
