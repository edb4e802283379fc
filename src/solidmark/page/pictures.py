"""Pictures of the data as data URIs: small, without metadata, from below their folder only."""

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.errors import BadInput, BrokenImage
from solidmark.runs import read_json

if TYPE_CHECKING:
    from PIL import Image

LARGEST = 224
"""Longer sides are scaled down to this many pixels: a page, not an archive."""

IN_CARD = 144
"""The same of the pictures side by side in a card."""

SHARP = 96
"""Pictures up to this size stay exact (PNG) and are shown with sharp pixels."""


@dataclass(frozen=True)
class Picture:
    """A picture in the page.

    Arguments:
        uri: The picture as a data URI; empty when it cannot be shown.
        width: Of the picture in the page, in pixels.
        height: The same.
        sharp: Whether its pixels are to be shown as squares.
    """

    uri: str = ""
    width: int = 0
    height: int = 0
    sharp: bool = False


def open_pictures(folder: Path, cure: str, of: type = dict) -> dict[str, Any]:
    """Reads where the pictures of a run lie; empty where it kept none.

    Arguments:
        folder: The folder of the run.
        cure: What to do where it cannot be used, as a sentence.
        of: What stands under each name: `str`, a path below the folder, or `dict` for a side.

    Raises:
        BadInput: When the file cannot be read, or holds something else.
    """
    name = "pictures/index.json"
    if not (folder / name).is_file():
        return {}
    # No version and no checksum stand in it: its names are ids, of which one may be "version".
    try:
        index = read_json(folder / name)
    except BadInput as error:
        raise BadInput(f'"{folder / name}" is not readable JSON. {cure}') from error
    if not isinstance(index, dict) or not all(isinstance(found, of) for found in index.values()):
        raise BadInput(f'"{folder / name}" is not a file of solidmark. {cure}')
    return index


def embed(folder: Path | None, name: str | None, largest: int = LARGEST) -> Picture:
    """Reads a picture below a folder.

    Arguments:
        folder: The folder.
        name: The path of the picture below it.
        largest: Longer sides are scaled down to this many pixels.

    Returns:
        The picture; an empty one when none is named, or it cannot be read.
    """
    image = open_picture(folder, name) if folder and name else None
    return Picture() if image is None else encode(image, largest)


def open_picture(folder: Path, name: str) -> "Image.Image | None":
    """Opens a picture below a folder, in grey or in colour; None when it cannot be read.

    A name that leads out of the folder is not followed, since names come from files that
    somebody else may have written.
    """
    from solidmark.data.decode import decode
    from solidmark.data.members import read_bytes

    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            return None
        return decode(read_bytes(path))
    except (OSError, ValueError, BrokenImage):
        return None


def encode(image: "Image.Image", largest: int = LARGEST) -> Picture:
    """A picture as it stands in the page; it is scaled down in place."""
    sharp = max(image.size) <= SHARP
    image.thumbnail((largest, largest))
    buffer = io.BytesIO()
    kind = "png" if sharp else "jpeg"
    image.save(buffer, kind, **({"optimize": True} if sharp else {"quality": 90}))
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(f"data:image/{kind};base64,{data}", image.width, image.height, sharp)
