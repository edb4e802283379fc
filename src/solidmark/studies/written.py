"""Data of a study's own: image folders in which something was changed on purpose."""

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from solidmark.data import Sample, open_data, to_picture
from solidmark.late import Tensor
from solidmark.marks import open_marked
from solidmark.randomness import generator, normal, uniform
from solidmark.runs import open_run, say

Where = str | os.PathLike[str]

PLAIN = re.compile(r"[\w-]+")

COPY = " copy "
"""What stands in the id of a copy, behind that of its image."""


CHANGES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "noisy": lambda image, noise: image + 0.05 * noise,
    "shifted": lambda image, noise: image.roll((1, 1), (1, 2)),
    "mirrored": lambda image, noise: image.flip(2),
    "inverted": lambda image, noise: 1 - image,
}
"""What can be done to an image, given noise of its own: pixel by pixel the first, then not."""


def faded(data: Where, out: Path, *, images: int, contrast: float, seed: int, **read: Any) -> None:
    """Writes an image folder in which every other image is nearly of one colour.

    Arguments:
        contrast: What is left of the contrast of every other one, in [0, 1].
    """

    def samples() -> Iterator[Sample]:
        for sample in _each(data, images, read):
            if uniform(seed, "faded", sample.id) < 0.5:
                mean = sample.image.mean((1, 2), keepdim=True)
                sample = replace(sample, image=mean + contrast * (sample.image - mean))
            yield sample

    asked = {"data": str(data), "limit": images, "contrast": contrast, "seed": seed, **read}
    write_data(out, "faded", asked, samples())


def changed(data: Where, out: Path, *, images: int, change: str, seed: int, **read: Any) -> None:
    """Writes an image folder in which every image was changed alike; ids stay.

    Arguments:
        data: The images, as `mark` takes them.
        out: The folder to write.
        images: How many of them.
        change: What is done to them, of `CHANGES`.
        seed: Of the noise.
        read: How the images are read, as of `data.open_data`.
    """

    def samples() -> Iterator[Sample]:
        for sample in _each(data, images, read):
            noise = normal([generator(seed, sample.id, 0, "changed")], sample.image.shape)[0]
            image = CHANGES[change](sample.image, noise).clamp(0, 1)
            yield replace(sample, image=image)

    asked = {"data": str(data), "limit": images, "change": change, "seed": seed, **read}
    write_data(out, "changed", asked, samples())


def repeated(
    data: Where,
    marked: Where,
    out: Path,
    *,
    images: int,
    repeats: int,
    chosen: int,
    seed: int,
    **read: Any,
) -> None:
    """Writes an image folder in which some of the training images are there many times.

    Arguments:
        marked: These images marked, each there once: it says which of them are trained on.
    """

    def samples() -> Iterator[Sample]:
        trained = open_marked(Path(marked)).ids("trained")
        often = sorted(trained, key=lambda id: uniform(seed, "repeated", id))[:chosen]
        for sample in _each(data, images, read):
            copies = range(1, repeats) if sample.id in often else ()
            yield sample
            yield from (replace(sample, id=f"{sample.id}{COPY}{n:02d}") for n in copies)

    asked = {"data": str(data), "limit": images, "repeats": repeats, "chosen": chosen}
    write_data(out, "repeated", {**asked, "seed": seed, **read}, samples())


def repeated_ids(folder: Path) -> set[str]:
    """The images that have copies in a folder of `repeated`."""
    lines = (folder / "images" / "metadata.jsonl").read_text(encoding="utf-8").splitlines()
    ids = [json.loads(line)["id"] for line in lines]
    return {id.split(COPY)[0] for id in ids if COPY in id}


def write_data(out: Path, name: str, asked: Mapping[str, Any], samples: Iterable[Sample]) -> None:
    """Writes `images/` with what is known of each image; a finished folder is left alone."""
    run = open_run(out, name, asked)
    if not run.finished:
        write_images(out, samples)
        run.finish("images")


def write_images(out: Path, samples: Iterable[Sample]) -> None:
    """Writes images into `images/` of a folder, called by their ids where these can be names."""
    (out / "images").mkdir(exist_ok=True)
    lines = []
    for number, sample in enumerate(samples):
        file = f"{sample.id if PLAIN.fullmatch(sample.id) else f'{number:06d}'}.png"
        to_picture(sample.image).save(out / "images" / file)
        told = {"text": sample.caption, "class": sample.label, "group": sample.group}
        known = {column: value for column, value in told.items() if value is not None}
        row = {"file_name": file, "id": sample.id, **known}
        lines.append(json.dumps(row, ensure_ascii=False) + "\n")
    (out / "images" / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")
    say(f"{len(lines):,} images: {out}", error=True)


def _each(data: Where, images: int, read: Mapping[str, Any]) -> Iterator[Sample]:
    opened = open_data(data, limit=images, **read)
    yield from (opened[number] for number in range(len(opened)))
