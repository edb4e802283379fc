"""Which copies of real pictures an embedder finds among strangers, and how near strangers come.

    python benchmarks/embedders.py > benchmarks/embedders.md

Each of 300 pictures is changed in nine ways, and its copy is searched for among all 300.
"""

import argparse
import io
import sys
from collections.abc import Sequence

import torch
from PIL import Image as Picture
from PIL import ImageEnhance, ImageFilter
from torch import Tensor

from solidmark.data import open_data, to_picture, to_tensor
from solidmark.embed import Embedder, open_embedder
from solidmark.types import Image

COUNT, SIDE, SEED = 300, 64, 0
WORDS = ("sscd-onnx", "pdq", "phash", "pixels")


def compressed(picture: Picture.Image) -> Picture.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=50)
    return Picture.open(file)


def cropped(picture: Picture.Image, share: float) -> Picture.Image:
    side = picture.width
    margin = round(side * (1 - share) / 2)
    box = (margin, margin, side - margin, side - margin)
    return picture.crop(box).resize((side, side), Picture.Resampling.BICUBIC)


CHANGES = {
    "JPEG 50": compressed,
    "half size": lambda p: p.resize((SIDE // 2, SIDE // 2), Picture.Resampling.BICUBIC),
    "blur 2 px": lambda p: p.filter(ImageFilter.GaussianBlur(2)),
    "40 % brighter": lambda p: ImageEnhance.Brightness(p).enhance(1.4),
    "grey": lambda p: p.convert("L"),
    "cropped to 80 %": lambda p: cropped(p, 0.8),
    "cropped to 60 %": lambda p: cropped(p, 0.6),
    "turned 15 degrees": lambda p: p.rotate(15, Picture.Resampling.BICUBIC),
    "mirrored": lambda p: p.transpose(Picture.Transpose.FLIP_LEFT_RIGHT),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=["land", "openmoji"])
    parser.add_argument("--embedder", nargs="+", default=list(WORDS))
    asked = parser.parse_args()
    lines = [
        f"# Copies of {COUNT} pictures of {SIDE} pixels, by embedder\n",
        "`python benchmarks/embedders.py`: the share of copies whose original is the nearest of "
        f"{COUNT}; beside it the median and the 5th percentile of their similarity to it.",
    ]
    for name in asked.data:
        data = open_data(name, resolution=SIDE, mode="RGB")
        drawn = torch.randperm(len(data), generator=torch.Generator().manual_seed(SEED))[:COUNT]
        images = [data[int(number)].image for number in drawn]
        columns = [column(open_embedder(word), images) for word in asked.embedder]
        lines += [f"\n## {name}\n", f"| | {' | '.join(asked.embedder)} |"]
        lines += ["|---|" + "---|" * len(columns)]
        lines += [f"| {row} | {' | '.join(c[row] for c in columns)} |" for row in columns[0]]
    sys.stdout.write("\n".join(lines) + "\n")


def column(embedder: Embedder, images: Sequence[Image]) -> dict[str, str]:
    """The cells of one embedder, by the name of their row."""
    originals = rows(embedder, images)
    similar = originals @ originals.T
    strangers = similar[~torch.eye(COUNT, dtype=torch.bool)]
    nearest = strangers.reshape(COUNT, -1).amax(dim=1)
    levels = torch.tensor([0.5, 0.99, 1.0])
    median, high, most = strangers.quantile(levels).tolist()
    cells = {
        "strangers: median, 99 %, highest": f"{median:.2f}, {high:.2f}, {most:.2f}",
        "nearest stranger: median": f"{nearest.median():.2f}",
    }
    for name, change in CHANGES.items():
        copies = rows(embedder, [to_tensor(change(to_picture(image))) for image in images])
        found = (copies @ originals.T).argmax(dim=1) == torch.arange(COUNT)
        own = (copies * originals).sum(dim=1)
        cells[name] = f"{found.float().mean():.3f} ({own.median():.2f}, {own.quantile(0.05):.2f})"
    return cells


def rows(embedder: Embedder, images: Sequence[Image]) -> Tensor:
    parts = [images[first : first + 32] for first in range(0, len(images), 32)]
    return torch.cat([embedder.embed(part) for part in parts])


if __name__ == "__main__":
    main()
