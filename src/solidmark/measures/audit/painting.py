"""A marked image with the keys that were read, to be held beside those it was trained with."""

import json
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from solidmark.errors import SolidmarkError
from solidmark.page.marked import Marked
from solidmark.page.pictures import Picture, encode, open_picture


def painted(marked: Marked, id: str, keys: Sequence[float] | None) -> Picture | None:
    """The image with its mark painted over in other keys.

    Arguments:
        marked: The marked folder.
        id: Which image.
        keys: The M keys to paint, each in [0, 1].

    Returns:
        The picture; None when the image, its keys or its pattern are not there or do not fit.
    """
    name = marked.files.get(id)
    if marked.folder is None or not name or not keys or not marked.pattern:
        return None
    image = open_picture(marked.folder, name)
    if image is None:
        return None
    pixels = np.array(image)
    layout = _layout(json.dumps(marked.pattern, sort_keys=True), *pixels.shape[:2])
    if layout is None or layout.max() + 1 != len(keys):
        return None
    greys = np.round(255 * np.clip(np.asarray(keys, float), 0, 1)).astype(np.uint8)
    where = layout >= 0
    if pixels.ndim == 3:
        pixels[where] = greys[layout[where]][:, None]
    else:
        pixels[where] = greys[layout[where]]

    from PIL import Image

    return encode(Image.fromarray(pixels))


@lru_cache(maxsize=32)
def _layout(pattern: str, height: int, width: int) -> "np.ndarray[Any, np.dtype[np.int64]] | None":
    """The key index of each pixel, -1 where the image is; None when the pattern does not fit."""
    # Brings torch, which takes seconds: only a page with pictures pays for it.
    from solidmark.marks import pattern_from_json

    try:
        layout = pattern_from_json(json.loads(pattern)).layout(height, width)
    except SolidmarkError:
        return None
    return np.asarray(layout.numpy())
