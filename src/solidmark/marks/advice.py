"""Which frame to paint on images of a size: how thick, in how many greys, and what it costs.

.. math:: \\text{extra} = \\frac{(h + 2 t)(w + 2 t)}{h w} - 1

The rules, and where they come from:

- **Thickness** t: the thinnest frame of at least 1/16 of the shorter side whose marked size is a
  multiple of what the network asks for. Measured: 2 pixels round 12, 28 and 32 (1/6 to 1/16);
  the paper has 16 round 96. A frame above 1/8 is only taken when no thinner one fits.
- **Count** M: the most of 4, 8, 16, 32, 64 greys whose blocks keep t x t pixels and 4 at least,
  and no more than `scores.enough_keys` needs, or 16. Measured: at 28 + 2 pixels, 64 greys of 3.75
  pixels see weaker memory than 16, and 16 than 8; at 12 + 2 pixels, 64 greys of 1.75 pixels gain
  nothing over 16 where memory is weak (docs/planning.md).

Everything was measured at 12 to 32 pixels. For larger sizes the proportions are extrapolated.
"""

from dataclasses import dataclass
from math import ceil

from solidmark.errors import BadInput
from solidmark.marks.segments import Segments

COUNTS = (4, 8, 16, 32, 64)
"""The counts that are advised. Below 4 greys nobody is named among thousands."""

DEFAULT = 16
"""The count that is always advised where it fits, however few would be enough."""

LEAST_PIXELS = 4
"""Of a block: 3.75 were enough, 1.75 were not."""

MEASURED = (12, 32)
"""The sides of images, in pixels, between which frames were tried."""

CELL = 8
"""The pixels along a side of a cell of the latents of usual autoencoders."""

_THINNEST, _THICKEST = 1 / 16, 1 / 8


@dataclass(frozen=True)
class Frame:
    """A frame of several greys round an image of a size, and what it costs.

    Arguments:
        size: Height and width of the image, in pixels.
        pattern: What is painted.
        multiple: What the sides of the marked image have to be multiples of.

    Raises:
        BadInput: When the ring cannot be cut into so many blocks.
    """

    size: tuple[int, int]
    pattern: Segments
    multiple: int = 8

    def __post_init__(self) -> None:
        if self.pattern.count > self.ring_pixels:
            raise BadInput(
                f"A frame of {self.pattern.thickness} pixels round {_by(self.size)} has "
                f"{self.ring_pixels} pixels, too few for {self.pattern.count} greys. "
                "Use fewer, or a thicker frame."
            )

    @property
    def marked_size(self) -> tuple[int, int]:
        """Height and width of the marked image, in pixels."""
        t = self.pattern.thickness
        return self.size[0] + 2 * t, self.size[1] + 2 * t

    @property
    def ring_pixels(self) -> int:
        return self.marked_size[0] * self.marked_size[1] - self.size[0] * self.size[1]

    @property
    def block_pixels(self) -> int:
        """The pixels of the smallest block; no block has more than one above it."""
        return self.ring_pixels // self.pattern.count

    @property
    def extra(self) -> float:
        """The share of pixels that training has to pay for on top; 0 = none.

        For a convolutional network in pixel space it is the extra time and memory, nearly.
        """
        height, width = self.size
        return self.ring_pixels / (height * width)

    @property
    def fits_the_network(self) -> bool:
        """Whether both sides of the marked image are multiples of `multiple`."""
        return all(side % self.multiple == 0 for side in self.marked_size)

    @property
    def is_thick(self) -> bool:
        """Whether the frame is thicker than 1/8 of the shorter side."""
        return self.pattern.thickness > min(self.size) * _THICKEST

    @property
    def has_small_blocks(self) -> bool:
        """Whether a block is smaller than those that were of use."""
        return self.block_pixels < LEAST_PIXELS

    @property
    def is_extrapolated(self) -> bool:
        """Whether images of this size were never tried."""
        return min(self.size) < MEASURED[0] or max(self.size) > MEASURED[1]


def advise(
    height: int,
    width: int,
    *,
    multiple: int = 8,
    thickness: int | None = None,
    count: int | None = None,
    enough: int = COUNTS[-1],
) -> Frame:
    """Chooses a frame for images of a size; the rules stand at the top of the module.

    Arguments:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        multiple: What the sides of the marked image have to be multiples of: 2 to the number of
            times that a U-Net halves them. 8 for `ddpm-32` and `ddpm-64`.
        thickness: Taken as it is when given, in pixels.
        count: Taken as it is when given.
        enough: With how many greys more would gain nothing; above 16 it limits the count.

    Raises:
        BadInput: When a number is below 1, no thickness makes such a multiple, or the frame cannot
            be cut into so many greys.

    Example:
        >>> frame = advise(256, 256)
        >>> frame.pattern, frame.marked_size, frame.block_pixels
        (Segments(thickness=16, count=64, mirrored=False), (288, 288), 272)
    """
    for name, number in {"height": height, "width": width, "multiple": multiple}.items():
        if number < 1:
            raise BadInput(f"{name} is {number}. It must be 1 or more.")
    t = fitting_thickness(height, width, multiple) if thickness is None else thickness
    if count is None:
        count = min(most_greys(height, width, t), max(DEFAULT, enough))
    return Frame((height, width), Segments(t, count), multiple)


def most_greys(height: int, width: int, thickness: int) -> int:
    """The most of `COUNTS` whose blocks keep t x t pixels, and 4 at least.

    Arguments:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        thickness: Of the frame (t), in pixels.

    Returns:
        The count; the least of `COUNTS` when none keeps as much.

    Example:
        >>> most_greys(28, 28, 2), most_greys(256, 256, 16)
        (32, 64)
    """
    ring = Frame((height, width), Segments(thickness, 1)).ring_pixels
    least = max(thickness**2, LEAST_PIXELS)
    return max((count for count in COUNTS if ring >= count * least), default=COUNTS[0])


def fitting_thickness(height: int, width: int, multiple: int = 8) -> int:
    """The thinnest frame, from 1/16 of the shorter side on, that makes both sides multiples.

    Arguments:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        multiple: What the sides of the marked image have to be multiples of.

    Returns:
        The thickness in pixels.

    Raises:
        BadInput: When there is none.

    Example:
        >>> fitting_thickness(28, 28), fitting_thickness(512, 512, multiple=64)
        (2, 32)
    """
    found = _fitting(height, width, multiple)
    if found is not None:
        return found
    side = max(multiple, round(min(height, width) / multiple) * multiple)
    raise BadInput(
        f"No frame makes {_by((height, width))} pixels a multiple of {multiple}. Use images of "
        f"{_by((side, side))} pixels (--resolution {side}), or another --multiple."
    )


def _fitting(height: int, width: int, multiple: int) -> int | None:
    thinnest = max(1, ceil(min(height, width) * _THINNEST))
    # What fits comes back after `multiple` pixels.
    for t in range(thinnest, thinnest + multiple):
        if (height + 2 * t) % multiple == 0 and (width + 2 * t) % multiple == 0:
            return t
    return None


def usual_thickness(height: int, width: int) -> int:
    """The thickness of a frame when nobody asks for one.

    As `fitting_thickness` has it for a multiple of 8; where there is none, for 4, for 2, or for 1.

    Arguments:
        height: Of the image, in pixels.
        width: Of the image, in pixels.

    Example:
        >>> usual_thickness(256, 256), usual_thickness(30, 32)
        (16, 2)
    """
    return next(
        thickness
        for multiple in (8, 4, 2, 1)
        if (thickness := _fitting(height, width, multiple)) is not None
    )


def thickness_inside(height: int, width: int) -> int:
    """The thickness of a frame inside a marked image of a given size, when nobody asks for one.

    1/16 of the shorter side, from 128 pixels on a multiple of `CELL`.

    Arguments:
        height: Of the marked image, in pixels.
        width: The same.

    Example:
        >>> thickness_inside(512, 512), thickness_inside(832, 1248), thickness_inside(32, 48)
        (32, 56, 2)
    """
    shorter = min(height, width)
    unit = CELL if shorter >= CELL / _THINNEST else 1
    return unit * max(1, ceil(shorter * _THINNEST / unit))


def _by(size: tuple[int, int]) -> str:
    return f"{size[0]} x {size[1]}"
