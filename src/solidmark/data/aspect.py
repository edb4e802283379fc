"""Aspect-ratio buckets: the sizes that trainers sort pictures into, chosen as they choose them.

.. math:: (H, W) = \\arg\\min_{(H, W) \\in B} \\left| \\frac{w}{h} - \\frac{W}{H} \\right| \\quad
    \\text{(kohya)}, \\qquad \\arg\\min_{(H, W) \\in B} |h W - w H| \\quad \\text{(diffusers)}

A bucket is the size of what the trainer is given. Where a frame stands round a picture, that is the
picture in its frame, and the picture itself is smaller (`AspectBuckets.frame`).
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from solidmark.cards.asked import Resolution, sides_of
from solidmark.errors import BadInput

Size = tuple[int, int]
"""Height and width, in pixels."""

Trainer = Literal["kohya", "diffusers"]

KOHYA = (256, 1024, 64)
"""The defaults of kohya's scripts: `--min_bucket_reso`, `--max_bucket_reso`,
`--bucket_reso_steps`."""

DIFFUSERS: tuple[Size, ...] = (
    *((1024, 1024), (768, 1360), (1360, 768), (880, 1168)),
    *((1168, 880), (1248, 832), (832, 1248)),
)
"""The sizes that the help of diffusers' scripts names for `--aspect_ratio_buckets`."""


@dataclass(frozen=True)
class AspectBuckets:
    """The sizes of a trainer, and which of them a picture gets.

    Arguments:
        sizes: Height and width of each, in the order in which the trainer has them.
        trainer: Whose rule chooses.
        frame: How many pixels of height and width are a frame round the picture.

    References:
        kohya-ss/sd-scripts, `BucketManager.select_bucket`; diffusers,
        examples/dreambooth/train_dreambooth_lora_flux_kontext.py, `find_nearest_bucket`.

    Example:
        >>> buckets = AspectBuckets(((512, 768), (512, 512)), "diffusers", (64, 64))
        >>> buckets.of(400, 600), buckets.picture(400, 600)
        ((512, 768), (448, 704))
    """

    sizes: tuple[Size, ...]
    trainer: Trainer = "diffusers"
    frame: Size = (0, 0)

    def __post_init__(self) -> None:
        for height, width in self.sizes:
            if height <= self.frame[0] or width <= self.frame[1]:
                raise BadInput(
                    f"The frame leaves no picture in a bucket of {height} x {width} pixels. "
                    "Use a smaller --thickness, or larger buckets."
                )

    def of(self, height: int, width: int) -> Size:
        """The bucket of a picture, by its height and width in pixels."""
        if self.trainer == "kohya":
            if (height, width) in self.sizes:
                return height, width
            ratio = width / height
            return min(self.sizes, key=lambda size: abs(size[1] / size[0] - ratio))
        # Of equal ones the last, as the scripts have it.
        return min(reversed(self.sizes), key=lambda size: abs(height * size[1] - width * size[0]))

    def picture(self, height: int, width: int) -> Size:
        """What the frame leaves of the bucket of a picture."""
        high, wide = self.of(height, width)
        return high - self.frame[0], wide - self.frame[1]


def kohya_sizes(
    resolution: Resolution, least: int = KOHYA[0], most: int = KOHYA[1], step: int = KOHYA[2]
) -> tuple[Size, ...]:
    """The sizes of kohya's bucket maker: sides of multiples of a step, areas at most the given one.

    Arguments:
        resolution: The scripts' `--resolution`, a side in pixels or "HEIGHTxWIDTH".
        least: The shortest side.
        most: The longest side.
        step: What the sides are multiples of.

    Raises:
        BadInput: When the resolution lies outside of least and most, or they make no size.

    References:
        kohya-ss/sd-scripts, library/model_util.py, `make_bucket_resolutions`.

    Example:
        >>> kohya_sizes(128, 64, 256)
        ((256, 64), (128, 128), (64, 256))
    """
    high, wide = sides_of(resolution)
    if step:  # As the scripts do where these are no multiples.
        least, most = least - least % step, most + -most % step
    if step < 1 or not step <= least <= min(high, wide) <= max(high, wide) <= most:
        raise BadInput(
            f"kohya's buckets of {least} to {most} pixels in steps of {step} have no room for a "
            f"resolution of {high} x {wide}. Write --buckets kohya:LEAST:MOST:STEP, such as "
            "kohya:256:2048:64, as the trainer has them."
        )
    area = high * wide
    square = int(math.sqrt(area) // step) * step
    found = {(square, square)} if square else set[Size]()
    for one in range(least, most + 1, step):
        other = min(most, area // one // step * step)
        if other >= least:
            found |= {(one, other), (other, one)}
    # By width and then height, as the scripts sort them: of equally near ones the first is taken.
    return tuple(sorted(found, key=lambda size: (size[1], size[0])))


def parse_buckets(text: str, resolution: Resolution | None = None) -> AspectBuckets:
    """The buckets that a command line names.

    Arguments:
        text: "kohya" or "kohya:LEAST:MOST:STEP", "diffusers", or "HEIGHT,WIDTH;HEIGHT,WIDTH", as
            the scripts of diffusers take them.
        resolution: Of kohya: the scripts' `--resolution`.

    Raises:
        BadInput: When it says no sizes, two of one shape, or says them twice.

    Example:
        >>> parse_buckets("512,768; 768,512").sizes
        ((512, 768), (768, 512))
    """
    name, *numbers = text.strip().split(":")
    if name == "kohya":
        if resolution is None:
            raise BadInput(
                "kohya makes its buckets from its --resolution. Add the same here: "
                "--resolution 512, or 1024 for SDXL and Flux."
            )
        return AspectBuckets(kohya_sizes(resolution, *_numbers(text, numbers)), "kohya")
    if resolution is not None:
        raise BadInput("--buckets says all sizes, but for kohya's. Leave --resolution out.")
    if text.strip() == "diffusers":
        return AspectBuckets(DIFFUSERS)
    pairs = [re.fullmatch(r"\s*(\d{1,9})\s*,\s*(\d{1,9})\s*", pair) for pair in text.split(";")]
    sizes = [(int(pair[1]), int(pair[2])) for pair in pairs if pair]
    if len(sizes) < len(pairs) or not all(min(size) for size in sizes):
        raise BadInput(
            f'Buckets are "kohya", "diffusers" or "HEIGHT,WIDTH;HEIGHT,WIDTH", not "{text}". Name '
            "those of your trainer."
        )
    _require_shapes(sizes)
    return AspectBuckets(tuple(sizes))


def _require_shapes(sizes: Sequence[Size]) -> None:
    """Of buckets of one shape a script takes the last, and resizes the images of the others."""
    seen: dict[Size, Size] = {}
    for height, width in sizes:
        shared = math.gcd(height, width)
        before = seen.setdefault((height // shared, width // shared), (height, width))
        if before != (height, width):
            raise BadInput(
                f"The buckets {before[0]},{before[1]} and {height},{width} have one shape: the "
                "trainer would resize the frames of one of them. Leave one out."
            )


def _numbers(text: str, numbers: Sequence[str]) -> list[int]:
    if len(numbers) > len(KOHYA) or not all(re.fullmatch(r"\d{1,5}", number) for number in numbers):
        raise BadInput(f'"{text}" is not kohya:LEAST:MOST:STEP, such as kohya:256:2048:64.')
    return [int(number) for number in numbers]
