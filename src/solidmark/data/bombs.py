"""Pictures that are too large to decode, found by their heads: one limit for every kind of file."""

import zlib

from PIL import Image

from solidmark.errors import BrokenImage

LONGEST_SIDE = 1_000_000
"""Pillow keeps some twenty bytes for each row, so that a strip of one column is a bomb too."""
_DEEPEST = 8
"""No pixel of a DICOM file has more bytes."""
_BLOCK = 2**20


def refuse_bomb(width: int, height: int) -> None:
    """Refuses a picture by its size, before a pixel of it is decoded.

    Arguments:
        width: As the head of the file says.
        height: The same.

    Raises:
        BrokenImage: When it has more pixels than Pillow's limit, `Image.MAX_IMAGE_PIXELS` (a
            program that sets it to None has no limit), or a side of more than a million.
    """
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and width * height > limit:
        raise BrokenImage(too_many_pixels())
    if limit is not None and max(width, height) > LONGEST_SIDE:
        raise BrokenImage(f"It is more than {LONGEST_SIDE} pixels long. Cut it into pieces.")


def refuse_deflated_bomb(packed: bytes) -> None:
    """Refuses deflated bytes that hold more than a picture of the most pixels; keeps none of them.

    Raises:
        BrokenImage: When they do.
        zlib.error: When they are not deflated.
    """
    if Image.MAX_IMAGE_PIXELS is None:
        return
    unpacker, held = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while packed and not unpacker.eof:
        held += len(unpacker.decompress(packed, _BLOCK))
        packed = unpacker.unconsumed_tail
        if held > _DEEPEST * Image.MAX_IMAGE_PIXELS:
            raise BrokenImage(too_many_pixels())


def too_many_pixels() -> str:
    """What is said of a picture with more pixels than the limit."""
    return f"It has more than {Image.MAX_IMAGE_PIXELS} pixels. Make it smaller."
