"""Any picture file as 8-bit grey or colour pixels, upright and without transparency.

Whatever cannot be read is one `BrokenImage` with one line, never a warning and never a crash: one
bad file among a hundred thousand must not end a run.
"""

import io
import threading
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from solidmark.errors import BrokenImage

_GREY = {"1", "L", "LA", "La"}
_FORBIDDEN = {"EPS"}
# Unreadable EXIF tells nothing about the pixels, and web photographs are full of it.
_HARMLESS = r"(?i)(possibly )?corrupt exif|metadata warning"
# Warning filters belong to the whole process; two threads that set and restore them at the same
# time would leave them wrong.
_LOCK = threading.RLock()


def decode(data: bytes | Image.Image) -> Image.Image:
    """Decodes a picture: upright, 8 bits a channel, transparency on white, the first frame.

    Grey, 1-bit and 16-bit pictures become mode "L", everything else "RGB". 16-bit and 32-bit
    integers are read as 0 ... 65535; floats as 0 ... 1 when they stay in it, else as 0 ... 255.

    Arguments:
        data: The bytes of a file, or an open picture.

    Returns:
        A picture in mode "L" or "RGB".

    Raises:
        BrokenImage: When it is no image, is truncated, empty, too large (Pillow's limit of
            pixels, `Image.MAX_IMAGE_PIXELS`) or holds values without a meaning.
    """
    with _LOCK, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", UserWarning)
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        warnings.filterwarnings("ignore", message=_HARMLESS)
        try:
            return _flatten(_upright(_opened(data)))
        except BrokenImage:
            raise
        except Exception as error:  # Hostile bytes make a decoder raise anything.
            raise BrokenImage(_reason(error)) from error


def _opened(data: bytes | Image.Image) -> Image.Image:
    """Reads all pixels of the first frame."""
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
    if getattr(image, "n_frames", 1) > 1:
        image.seek(0)
    image.load()
    return image


def _upright(image: Image.Image) -> Image.Image:
    """Turns the image as its EXIF orientation says; unreadable EXIF says nothing."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:  # The tags are as hostile as the rest of the file; the pixels are read.
        return image


def _flatten(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I"):
        return _sixteen_bits(np.asarray(image).astype(np.int64))
    if image.mode == "F":
        return _floats(np.asarray(image))
    mode = "L" if image.mode in _GREY else "RGB"
    if image.has_transparency_data:
        front = image.convert("RGBA")
        image = Image.new("RGBA", image.size, "white")
        image.alpha_composite(front)
    return image.convert(mode)


def _sixteen_bits(values: NDArray[np.int64]) -> Image.Image:
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > 65535:
        raise BrokenImage(f"Its values run from {low} to {high}. Convert it to 8 or 16 bits.")
    return Image.fromarray(((values * 255 + 32767) // 65535).astype(np.uint8))


def _floats(values: NDArray[np.float32]) -> Image.Image:
    low, high = float(values.min()), float(values.max())
    if not (low >= 0 and high <= 255):  # Also true of values that are not numbers.
        raise BrokenImage(f"Its values run from {low:g} to {high:g}. Convert it to 8 or 16 bits.")
    scale = 255 if high <= 1 else 1
    return Image.fromarray(np.rint(values * scale).astype(np.uint8))


def _reason(error: Exception) -> str:
    """One line for a person."""
    if isinstance(error, UnidentifiedImageError):
        return "It is not an image of a known format."
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return f"It has more than {Image.MAX_IMAGE_PIXELS} pixels. Make it smaller."
    text = " ".join(str(error).split()) or type(error).__name__
    return f"It cannot be decoded ({text[:200]})."
