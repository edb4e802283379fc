"""What a picture looks like, in numbers that no model is needed for.

By these a control is tested: two halves of one set look alike, sets of another kind, another
camera, another program that saved or scaled them do not. Two families: `texture`, what light,
colour and fine detail are like (blur, contrast, JPEG, crops and scaling change it), and `layout`,
where it is dark and light (which other classes change).
"""

import zlib
from collections.abc import Callable, Mapping
from itertools import pairwise

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray
from PIL import Image as Picture

from solidmark.data import to_picture
from solidmark.types import Image

WINDOW = 256
"""Fine detail is read off the middle of a picture, so many pixels high and wide, unscaled."""

GREY_SIDE = 12
COLOUR_SIDE = 4
BLOCK = 8
"""The side of the squares that JPEG compresses one by one."""

EDGE = 0.1
"""Neighbours that differ by more than this, in [0, 1], are an edge."""

BANDS = (0.0, 0.08, 0.16, 0.25, 0.36, 0.71)
"""Limits of the rings of spatial frequency, in cycles a pixel; .71 is the finest there is."""

_LUMA = (0.299, 0.587, 0.114)
_FLOOR = 1e-6

TEXTURE: Mapping[str, str] = {
    "mean": "mean brightness",
    "red_green": "mean red less green",
    "blue_yellow": "mean blue less yellow",
    "contrast": "contrast (log)",
    "colourfulness": "colourfulness (log)",
    "dark": "darkest twentieth",
    "median": "median brightness",
    "light": "lightest twentieth",
    "edges": "share of edges",
    "detail": "fine detail (log)",
    "flat": "share of equal neighbours",
    "slope_1": "slope of the spectrum, coarse",
    "slope_2": "slope of the spectrum, middle",
    "slope_3": "slope of the spectrum, fine",
    "slope_4": "slope of the spectrum, finest",
    "blocks": "edges of 8 x 8 blocks (log)",
    "bits": "bits a pixel when compressed",
    "pixels": "number of pixels (log)",
    "aspect": "width by height (log)",
}
"""The numbers of the family `texture`, and their names for a person."""

Row = Float[np.ndarray, " D"]
Plane = Float[np.ndarray, "H W"]


def texture(image: Image) -> Row:
    """The numbers of `TEXTURE`.

    Arguments:
        image: Values in [0, 1], with shape (C, H, W).
    """
    pixels = image.numpy().astype(np.float64)
    height, width = pixels.shape[1:]
    red, green, blue = pixels if len(pixels) == 3 else np.repeat(pixels, 3, axis=0)
    grey: Plane = _LUMA[0] * red + _LUMA[1] * green + _LUMA[2] * blue
    red_green, blue_yellow = red - green, blue - (red + green) / 2
    dark, median, light = np.quantile(grey, [0.05, 0.5, 0.95])
    top, left = max(0, (height - WINDOW) // 2), max(0, (width - WINDOW) // 2)
    seen: Plane = grey[top : top + WINDOW, left : left + WINDOW]
    across, down = np.diff(seen, axis=1), np.diff(seen, axis=0).T
    steps = np.abs(np.concatenate([across.ravel(), down.ravel()]))
    return np.array(
        [
            grey.mean(),
            red_green.mean(),
            blue_yellow.mean(),
            np.log(grey.std() + 1e-3),
            np.log(np.hypot(red_green.std(), blue_yellow.std()) + 1e-3),
            dark,
            median,
            light,
            (steps > EDGE).mean() if len(steps) else 0.0,
            np.log(_detail(seen) + _FLOOR),
            (steps < 0.5 / 255).mean() if len(steps) else 1.0,
            *np.diff(_bands(seen)),
            _blocks(across, left) + _blocks(down, top),
            _bits(pixels[:, top : top + WINDOW, left : left + WINDOW]),
            np.log(height * width),
            np.log(width / height),
        ]
    )


def layout(image: Image) -> Row:
    """A small grey and a smaller coloured copy, row by row, in [0, 1]."""
    picture = to_picture(image)
    grey = _small(picture.convert("L"), GREY_SIDE)
    return np.concatenate([grey, _small(picture.convert("RGB"), COLOUR_SIDE)])


FAMILIES: Mapping[str, Callable[[Image], Row]] = {"texture": texture, "layout": layout}
"""The families by name."""


def _small(picture: Picture.Image, side: int) -> Row:
    small = picture.resize((side, side), Picture.Resampling.BOX)
    row: Row = np.asarray(small, dtype=np.float64).ravel() / 255
    return row


def _detail(seen: Plane) -> float:
    """The mean square of what a pixel has that its four neighbours do not."""
    if min(seen.shape) < 3:
        return 0.0
    middle = seen[1:-1, 1:-1]
    round_it = seen[:-2, 1:-1] + seen[2:, 1:-1] + seen[1:-1, :-2] + seen[1:-1, 2:]
    return float(np.mean((4 * middle - round_it) ** 2))


def _bands(seen: Plane) -> Row:
    """The logarithm of the mean energy in each ring of frequencies."""
    window = np.outer(*(np.hanning(side + 2)[1:-1] for side in seen.shape))
    energy = np.abs(np.fft.fft2((seen - seen.mean()) * window)) ** 2
    rows, columns = (np.fft.fftfreq(side) for side in seen.shape)
    frequency = np.hypot(rows[:, None], columns[None])
    found = []
    for low, high in pairwise(BANDS):
        ring = energy[(frequency > low) & (frequency <= high)]
        found.append(np.log((ring.mean() if len(ring) else 0.0) + _FLOOR))
    return np.array(found)


def _blocks(steps: Plane, start: int) -> float:
    """How much larger the steps between blocks are than those within them, as a logarithm."""
    between = (np.arange(steps.shape[1]) + start) % BLOCK == BLOCK - 1
    if not between.any() or between.all():
        return 0.0
    sizes = np.abs(steps)
    return float(np.log((sizes[:, between].mean() + 1e-4) / (sizes[:, ~between].mean() + 1e-4)))


def _bits(pixels: Float[np.ndarray, "C H W"]) -> float:
    """How well the levels compress, told by their differences as PNG is, in bits a pixel.

    Each channel for itself: a change of contrast leaves gaps among its levels, which a mean of
    channels would fill again.
    """
    levels: NDArray[np.int16] = np.rint(255 * pixels).astype(np.int16)
    steps = np.diff(levels, axis=2, prepend=np.int16(0)).astype(np.uint8)
    return 8 * len(zlib.compress(steps.tobytes(), 6)) / (pixels.shape[1] * pixels.shape[2])
