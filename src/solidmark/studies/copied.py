"""Data with copies: images that are there so and so often, exactly or nearly alike."""

import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from solidmark.data import Sample
from solidmark.randomness import uniform
from solidmark.studies.written import write_data

if TYPE_CHECKING:
    from PIL.Image import Image

KINDS = ("exact", "near")


def copied(
    data: str | os.PathLike[str],
    out: Path,
    *,
    counts: Sequence[int],
    each: int,
    resolution: int,
    seed: int,
    kinds: Sequence[str] = KINDS,
    **read: Any,
) -> None:
    """Writes an image folder with copies, each image's in a group of its own.

    Ids are `exact-04-0017-02`: the kind, how often the image is there, its number, which copy.

    Arguments:
        data: The images, as `mark` takes them.
        out: The folder to write.
        counts: How often images are there.
        each: How many images for each count and kind.
        resolution: Their side in pixels.
        seed: Of which images are chosen, and how near copies differ.
        kinds: Whether copies are exact, near, or some of each.
        read: How the images are read, as of `data.open_data`.
    """
    from solidmark.data import open_data, to_picture, to_tensor

    opened = open_data(data, resolution=resolution, **read)

    def samples() -> Iterator[Sample]:
        order = sorted(range(len(opened)), key=lambda i: uniform(seed, "copied", opened.ids[i]))
        for kind in kinds:
            for count in counts:
                for number in range(each):
                    sample = opened[order.pop()]
                    group = f"{kind}-{count:02d}-{number:04d}"
                    picture = to_picture(sample.image)
                    for copy in range(count):
                        shown = changed(picture, copy) if kind == "near" else picture
                        id = f"{group}-{copy:02d}"
                        yield replace(sample, id=id, group=group, image=to_tensor(shown))

    config = {"data": str(data), "counts": list(counts), "each": each, "seed": seed}
    write_data(
        out, "copied", {**config, "kinds": list(kinds), "resolution": resolution, **read}, samples()
    )


def changed(picture: "Image", copy: int) -> "Image":
    """A near copy: mirrored, cropped, or written as JPEG, the more the later it comes.

    Arguments:
        picture: The image.
        copy: Which copy it is; the first is the image itself.
    """
    from PIL import Image

    if copy == 0:
        return picture
    way, strength = (copy - 1) % 3, (copy - 1) // 3
    if way == 0:
        picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if way == 1 or strength:
        # Another corner is cut off each time; one pixel in twelve is what a careless crop takes.
        wide, high = picture.size
        cut = max(1, round(wide / 12))
        left, top = cut * (strength & 1), cut * (strength >> 1 & 1)
        box = (left, top, left + wide - cut, top + high - cut)
        picture = picture.resize((wide, high), Image.Resampling.BICUBIC, box)
    if way == 2:
        buffer = io.BytesIO()
        picture.save(buffer, "jpeg", quality=max(20, 70 - 10 * strength))
        picture = Image.open(buffer).convert(picture.mode)
    return picture
