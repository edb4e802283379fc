"""Marked images on disk: lossless 8-bit files."""

import io
from pathlib import Path

from solidmark.data import decode, to_picture, to_tensor
from solidmark.data.members import read_bytes
from solidmark.errors import BrokenImage
from solidmark.runs import write_bytes
from solidmark.types import Image


def png(image: Image) -> bytes:
    """An image as the bytes of a PNG."""
    file = io.BytesIO()
    to_picture(image).save(file, "PNG")
    return file.getvalue()


def write_image(path: Path, image: Image) -> None:
    """Writes a PNG, whole or not at all."""
    write_bytes(path, png(image))


def read_image(path: Path, channels: int) -> Image:
    """Reads a PNG that `write_image` wrote, or one in a tar: `train/00003.tar/picture.png`.

    Raises:
        BrokenImage: When it is gone or not an image.
    """
    try:
        picture = decode(read_bytes(path))
    except FileNotFoundError as error:
        raise BrokenImage(f'The marked image "{path}" is gone.') from error
    except OSError as error:
        raise BrokenImage(
            f'The marked image "{path}" cannot be read ({error.strerror}).'
        ) from error
    except BrokenImage as error:
        raise BrokenImage(f'The marked image "{path}" is broken. {error}') from error
    return to_tensor(picture.convert("L" if channels == 1 else "RGB"))
