"""Pictures of several shapes, and a folder that was marked in their buckets."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from solidmark.data import AspectBuckets, open_data
from solidmark.marks import Marked, Marking, Segments, in_buckets, mark_dataset, open_marked

SIZES = ((32, 48), (48, 32), (32, 32))
SHAPES = ((200, 300), (310, 200), (100, 100), (205, 290))
"""Height and width of the pictures, by turns: the first and the last go into one bucket."""


def write_photos(folder: Path, count: int = 24) -> Path:
    """Noise that is smooth enough for no two to be near copies."""
    folder.mkdir()
    for number in range(count):
        height, width = SHAPES[number % len(SHAPES)]
        draws = np.random.default_rng(number)
        small = Image.fromarray(draws.integers(0, 256, (6, 6, 3)).astype(np.uint8))
        picture = small.resize((width, height), Image.Resampling.BICUBIC)
        picture.save(folder / f"{number:03d}.png")
    return folder


def mark_shapes(
    place: Path, count: int = 24, sizes: tuple[tuple[int, int], ...] = SIZES, **how: Any
) -> Marked:
    """Marks such pictures, in a folder "marked" beside their own, "photos"."""
    photos = place / "photos"
    pattern, shapes = in_buckets(how.pop("pattern", Segments(2, 4)), AspectBuckets(sizes))
    data = open_data(photos if photos.is_dir() else write_photos(photos, count), buckets=shapes)
    marking = Marking(pattern, bucketed=True, **{"seed": 7, "held_out": 0.25, **how})
    text = ";".join(f"{height},{width}" for height, width in sizes)
    mark_dataset(data, place / "marked", marking, {"data": str(photos), "buckets": text})
    return open_marked(place / "marked")
