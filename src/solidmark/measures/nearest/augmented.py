"""Can a distance tell a changed copy of a training image from a stranger, on this set?

A threshold means something only where copies are within it. Copies that nobody would call another
image are made of some training images, and searched for among all of them: found is a copy whose
nearest image is its original, within the threshold that a fresh image is seldom within.
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
from PIL import Image as Picture
from PIL import ImageFilter

from solidmark.data import Sample, to_picture, to_tensor
from solidmark.errors import BrokenImage
from solidmark.measures.nearest.distances import Distance
from solidmark.measures.nearest.gathering import Gathered, Rows
from solidmark.neighbours import Search, search
from solidmark.randomness import generator, normal, uniform
from solidmark.runs import typed
from solidmark.types import Image

ORIGINALS = 64
"""Of how many training images copies are made."""

NOISE = 0.03
"""The standard deviation of the noise, in [0, 1]."""

AUGMENTED = pa.schema(
    [
        *typed(pa.string(), "measure", "change", "id"),
        ("distance", pa.float64()),
        ("found", pa.bool_()),
    ]
)
"""The columns of `augmented.parquet`: `found` = the nearest training image is the original."""


def jpeg(picture: Picture.Image) -> Picture.Image:
    """Saved as JPEG of quality 75 and read again."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=75)
    return Picture.open(io.BytesIO(file.getvalue())).convert(picture.mode)


def brighter(picture: Picture.Image) -> Picture.Image:
    """A tenth brighter."""
    return picture.point(lambda value: min(255, round(value * 1.1)))


def blurred(picture: Picture.Image) -> Picture.Image:
    """Blurred by a fiftieth of its side, at least half a pixel."""
    return picture.filter(ImageFilter.GaussianBlur(max(0.5, picture.width / 50)))


def shifted(picture: Picture.Image) -> Picture.Image:
    """Moved to the right by a thirtieth of its side, at least a pixel; the edge is repeated."""
    by = max(1, picture.width // 30)
    edge = picture.crop((0, 0, 1, picture.height)).resize((by, picture.height))
    moved = picture.copy()
    moved.paste(picture, (by, 0))
    moved.paste(edge, (0, 0))
    return moved


def cropped(picture: Picture.Image) -> Picture.Image:
    """The middle nine tenths, scaled up again."""
    x, y = picture.width / 20, picture.height / 20
    box = (x, y, picture.width - x, picture.height - y)
    return picture.resize(picture.size, Picture.Resampling.BICUBIC, box=box)


def flipped(picture: Picture.Image) -> Picture.Image:
    """Mirrored."""
    return picture.transpose(Picture.Transpose.FLIP_LEFT_RIGHT)


CHANGES: Mapping[str, Callable[[Picture.Image], Picture.Image]] = {
    "jpeg": jpeg,
    "brighter": brighter,
    "blurred": blurred,
    "shifted": shifted,
    "cropped": cropped,
    "flipped": flipped,
}
"""What is done to copies, by name; `noise` is drawn."""


@dataclass(frozen=True)
class Copy:
    """A changed copy of a training image.

    Arguments:
        change: What was done to it.
        number: The number of the original among the facts.
        image: The copy, in the size of the original.
    """

    change: str
    number: int
    image: Image


def augmented_copies_of(gathered: Gathered, seed: int) -> list[Copy]:
    """Changed copies of some of the images, drawn by their ids.

    Arguments:
        seed: Of the choice of images and of the noise.
    """
    ids, status = gathered.column("id"), gathered.column("status")
    good = [number for number, state in enumerate(status) if state == "ok"]
    drawn = sorted(good, key=lambda number: uniform(seed, "augmented", ids[number]))
    copies = []
    for number in drawn[:ORIGINALS]:
        try:
            sample = gathered.data[number]
        except BrokenImage:
            continue  # It could be read before.
        copies += [Copy(change, number, image) for change, image in changed(sample, seed).items()]
    return copies


def changed(sample: Sample, seed: int) -> dict[str, Image]:
    """An image after every change.

    Arguments:
        sample: The image.
        seed: Of the noise.
    """
    picture = to_picture(sample.image)
    copies = {name: to_tensor(change(picture)) for name, change in CHANGES.items()}
    noise = normal([generator(seed, sample.id, 0, "augmented")], sample.image.shape)[0]
    return copies | {"noise": (sample.image + NOISE * noise).clamp(0, 1)}


def augmented_rows(
    gathered: Gathered,
    distances: Sequence[Distance],
    rows: Rows,
    copies: Sequence[Copy],
    how: Search,
) -> list[dict[str, Any]]:
    """How near changed copies of training images come to their originals.

    Returns:
        Rows of `augmented.parquet`.
    """
    seen = set(rows.number.tolist())
    copies = [copy for copy in copies if copy.number in seen]  # A blank one is no image to find.
    if not copies:
        return []
    k = min(max(distance.wanted for distance in distances), len(rows.number))
    queries = distances[0].matrix([copy.image for copy in copies], gathered.tiles)
    found = search(queries, rows.matrix, replace(how, k=k))
    ids, content = gathered.column("id"), gathered.column("content")
    nearest = rows.number[found.index[:, 0]]
    # The copy of an image that is there twice is found when it finds either.
    hit = [content[one] == content[c.number] for one, c in zip(nearest, copies, strict=True)]
    return [
        {
            "measure": distance.name,
            "change": copy.change,
            "id": ids[copy.number],
            "distance": float(far),
            "found": ok,
        }
        for distance in distances
        for copy, far, ok in zip(copies, distance.report(found).distance, hit, strict=True)
    ]
