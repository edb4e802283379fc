"""Deep values (16 bits, floats, a scanner's own units) as the 8 bits that are marked."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from solidmark.errors import BadInput, BrokenImage

NARROW = 32
"""A deep picture that ends in fewer than so many of 256 grey levels has lost most of what it held:
an eighth, which is where a scan of 12 bits or less in 16 ends up."""

_NUMBER = r"-?\d+(?:\.\d+)?"
_BOUNDS = re.compile(f"({_NUMBER}):({_NUMBER})")

AT_ONCE = 2**20
"""So many values are held as float64 at a time: a large scan has a hundred million."""

Values = NDArray[np.integer[Any]] | NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Window:
    """Which values of a deep picture become black and white. 8-bit pictures have no need of it.

    Arguments:
        bounds: The values of black and white; what lies outside is cut off. None = those that the
            kind of file stands for, or that a DICOM file names.
        used: Each picture's own lowest and highest value.
    """

    bounds: tuple[float, float] | None = None
    used: bool = False

    def levels(self, values: Values, full: tuple[float, float]) -> Image.Image:
        """The values as a picture in mode "L".

        Arguments:
            values: With shape (H, W).
            full: The values of black and white where no others are asked for.

        Raises:
            BrokenImage: When a value is no number, or lies outside what the file stands for.
        """
        low, high = float(values.min()), float(values.max())
        if not np.isfinite([low, high]).all():
            raise BrokenImage("Some of its values are no numbers. Convert it to 8 or 16 bits.")
        black, white = self.bounds or ((low, high) if self.used else full)
        if not (self.bounds or self.used) and not (black <= low and high <= white):
            raise BrokenImage(
                f"Its values run from {low:g} to {high:g}. Convert it to 8 or 16 bits, or give "
                "--window LOW:HIGH."
            )
        levels = np.empty(values.shape, np.uint8)
        rows = max(1, AT_ONCE // values.shape[1])
        for first in range(0, len(values), rows):
            some = values[first : first + rows].astype(np.float64)
            share = np.clip((some - black) / max(white - black, 1e-300), 0, 1)
            levels[first : first + rows] = np.rint(share * 255)
        return Image.fromarray(levels)


@cache
def window_of(text: str) -> Window:
    """What a user writes: "full", "used" or "LOW:HIGH".

    Raises:
        BadInput: When it is none of them, or white is not above black.

    Example:
        >>> window_of("0:4095")
        Window(bounds=(0.0, 4095.0), used=False)
    """
    if text in ("full", "used"):
        return Window(used=text == "used")
    if found := _BOUNDS.fullmatch(text.strip()):
        black, white = map(float, found.groups())
        if black < white:
            return Window((black, white))
    raise BadInput(
        f'A window of "{text}" is none. Give LOW:HIGH (the values of black and white, such as '
        '0:4095), "used" (each picture\'s own lowest and highest) or "full".'
    )


def is_narrow(picture: Image.Image) -> bool:
    """Whether a picture in mode "L" or "RGB" uses few of the 256 levels, and is not of one."""
    bands = [picture.getextrema()] if picture.mode == "L" else list(picture.getextrema())
    lows, highs = zip(*bands, strict=True)
    return 0 < max(highs) - min(lows) < NARROW
