"""Data with copies: images that are there so and so often, exactly or nearly alike."""

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from solidmark.randomness import uniform
from solidmark.runs import open_run, say

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
    from PIL import Image

    from solidmark.data import open_data

    config = {"data": str(data), "counts": list(counts), "each": each, "seed": seed}
    config["kinds"] = list(kinds)
    run = open_run(out, "copied", {**config, "resolution": resolution, **read})
    if run.finished:
        return
    opened = open_data(data, resolution=resolution, **read)
    order = sorted(range(len(opened)), key=lambda i: uniform(seed, "copied", opened.ids[i]))
    (out / "images").mkdir(exist_ok=True)
    rows = []
    for kind in kinds:
        for count in counts:
            for number in range(each):
                sample = opened[order.pop()]
                values = np.round(np.moveaxis(np.asarray(sample.image), 0, -1) * 255)
                picture = Image.fromarray(values.astype(np.uint8).squeeze())
                for copy in range(count):
                    id = f"{kind}-{count:02d}-{number:04d}-{copy:02d}"
                    shown = changed(picture, copy) if kind == "near" else picture
                    shown.save(out / "images" / f"{id}.png")
                    group = id.rsplit("-", 1)[0]
                    told = {"text": sample.caption, "class": sample.label}
                    row = {"file_name": f"{id}.png", "id": id, "group": group, **told}
                    rows.append({name: value for name, value in row.items() if value is not None})
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (out / "images" / "metadata.jsonl").write_text(text, encoding="utf-8")
    say(f"{len(rows):,} images with their copies: {out}", error=True)
    run.finish("images")


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
