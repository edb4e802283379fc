"""Pictures of the data as data URIs: small, without metadata, from below their folder only."""

import base64
import io
import warnings
from dataclasses import dataclass
from pathlib import Path

LARGEST = 224
"""Longer sides are scaled down to this many pixels: a page, not an archive."""

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


def embed(folder: Path, name: str | None) -> Picture | None:
    """Reads a picture below a folder.

    A name that leads out of the folder is not followed, since names come from files that
    somebody else may have written.

    Returns:
        The picture; an empty one when it cannot be read; None when no picture is named.
    """
    from PIL import Image

    if not name:
        return None
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            return Picture()
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as file:
                image = file.convert("L" if file.mode in ("1", "L") else "RGB")
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError):
        return Picture()
    sharp = max(image.size) <= SHARP
    image.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    kind = "png" if sharp else "jpeg"
    image.save(buffer, kind, **({"optimize": True} if sharp else {"quality": 90}))
    data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(f"data:image/{kind};base64,{data}", image.width, image.height, sharp)
