"""Folders that are compared, and what is read of the answer."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import torch
from breaking import held
from torch import Tensor

from solidmark.data import open_data, to_picture
from solidmark.marks import Marked
from solidmark.measures.nearest import Comparison, nearest

TABLES = ("scores", "null", "images", "neighbours", "augmented")


def digits(first: int, count: int, side: int = 8) -> list[Tensor]:
    """Handwritten digits, grey, none of them twice."""
    data = open_data("digits", resolution=side, limit=first + count)
    return [data[number].image for number in range(first, first + count)]


def trained(marked: Marked, framed: bool = False) -> dict[str, Tensor]:
    """The training images by id, without their frames."""
    images = {id: marked.sample(id).image for id in marked.ids("trained", marked=None)}
    if framed:
        return images
    return {id: marked.pattern.crop(image[None])[0] for id, image in images.items()}


def framed(image: Tensor, marked: Marked, grey: float) -> Tensor:
    """An image in a frame that no training image had."""
    height, width = marked.marked_size
    canvas = torch.full((len(image), height, width), grey)
    top, left = (height - image.shape[1]) // 2, (width - image.shape[2]) // 2
    canvas[:, top : top + image.shape[1], left : left + image.shape[2]] = image
    return canvas


def noisy(image: Tensor, number: int, sigma: float = 0.03) -> Tensor:
    generator = torch.Generator().manual_seed(number)
    return (image + sigma * torch.randn(image.shape, generator=generator)).clamp(0, 1)


def draw(folder: Path, images: Iterable[Tensor]) -> Path:
    """An image folder, `000.png` and so on."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, image in enumerate(images):
        to_picture(image).save(folder / f"{number:03d}.png")
    return folder


def compare(generated: Path, training: Path, out: Path, **options: Any) -> dict[str, Any]:
    """Runs the job, with a cache of its own, and gives what is in results.json."""
    options.setdefault("cache", out.parent / "cache")
    options.setdefault("n", 5)
    nearest(Comparison(str(generated), str(training), out, **options))
    return results(out)


def results(out: Path) -> dict[str, Any]:
    return held(out / "results.json")


def table(out: Path, name: str, **where: Any) -> list[dict[str, Any]]:
    """The rows of a table that have these values."""
    rows = pq.read_table(out / f"{name}.parquet").to_pylist()
    return [row for row in rows if where.items() <= row.items()]


def row(found: dict[str, Any], statistic: str, **where: Any) -> dict[str, Any]:
    """The only row of results.json with these values."""
    wanted = {"statistic": statistic, **where}
    (one,) = [row for row in found["rows"] if wanted.items() <= row.items()]
    return one


def files(out: Path) -> dict[str, bytes]:
    """What a run leaves that must not depend on how it went: all but its own times."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
