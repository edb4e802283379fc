"""Does an embedder fitted to one's own images find planted copies better than pixels and hashes?

    python benchmarks/own.py --data digits openmoji --steps 150 --batch 64 > benchmarks/own.md

Of each set: 300 training images, 300 held-out ones that calibrate, 300 fresh ones that stand for
what a model draws when it copies nothing, and 300 others that the embedder is fitted to; anew for
each seed.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from embedders import CHANGES as COARSE
from embedders import rows
from PIL import ImageFilter
from torch import Tensor

from solidmark.data import open_data, to_picture, to_tensor
from solidmark.embed import Embedder, Fit, Own, Shape, fit, open_embedder
from solidmark.embed.embedder import EmbedderCard
from solidmark.runs import progress
from solidmark.scores import clopper_pearson, roc
from solidmark.scores.written import percent, percents
from solidmark.types import Image

COUNT, FPR = 300, 0.05
SETS = {"digits": 28, "land": 32, "openmoji": 64}
SIDES = ("training", "held out", "fresh", "others")
BESIDE = ("pixels", "phash")
CHANGES = {**COARSE, "blur 1 px": lambda p: p.filter(ImageFilter.GaussianBlur(1))}
SHOWN = (
    "JPEG 50",
    "blur 1 px",
    "40 % brighter",
    "cropped to 80 %",
    "turned 15 degrees",
    "mirrored",
)

Rows = Mapping[str, Tensor]


@dataclass(frozen=True)
class Found:
    """What one embedder finds with one seed.

    Arguments:
        found: By change, how many copies of `COUNT` have their original as nearest.
        within: Of these, how many are nearer than all but 5 % of the held-out images come to any
            training image.
        false: How many fresh images come as near.
        area: How well the nearness to fresh images tells training from held-out ones: 0.5 where
            the embedder is fair.
    """

    found: Mapping[str, int]
    within: Mapping[str, int]
    false: int
    area: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", nargs="+", default=list(SETS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=Fit.steps)
    parser.add_argument("--batch", type=int, default=Fit.batch_size)
    asked = parser.parse_args()
    torch.set_num_threads(1)
    lines = [
        "# An embedder of one's own against pixels and hashes\n",
        f"`python benchmarks/own.py --data {' '.join(asked.data)} --steps {asked.steps} "
        f"--batch {asked.batch}`: {COUNT} "
        f"training images, changed copies of all of them, {asked.seeds} seeds (of split and fit), "
        f"an embedder fitted to {COUNT} other images. Each cell: the share of copies whose "
        f"original is the nearest of {COUNT} training images (chance {percent(1 / COUNT)}), with "
        f"its 95 % interval (n = {COUNT * asked.seeds}) and the lowest and highest seed; then, "
        f"after the bar, the share that also lies nearer than {percent(1 - FPR)} of {COUNT} "
        "held-out images come to any training image.",
    ]
    for name in asked.data:
        columns: dict[str, list[Found]] = {word: [] for word in ("own", *BESIDE)}
        for seed in range(asked.seeds):
            images = split(name, seed)
            embedder = fitted(
                images["others"], SETS[name], Fit(asked.steps, asked.batch, seed=seed)
            )
            columns["own"].append(measured(embedder, images))
            for word in BESIDE:
                columns[word].append(measured(open_embedder(word), images))
        lines += table(name, columns)
    sys.stdout.write("\n".join(lines) + "\n")


def split(name: str, seed: int) -> dict[str, list[Image]]:
    """The images of each side, drawn by a seed."""
    data = open_data(name, resolution=SETS[name], mode="RGB")
    drawn = torch.randperm(len(data), generator=torch.Generator().manual_seed(seed)).tolist()
    parts = [drawn[n * COUNT : (n + 1) * COUNT] for n in range(len(SIDES))]
    return {side: [data[n].image for n in part] for side, part in zip(SIDES, parts, strict=True)}


def fitted(images: Sequence[Image], side: int, how: Fit) -> Embedder:
    """An embedder as `solidmark fit` makes it."""
    shape = Shape(side)
    squares = torch.from_numpy(shape.squares.bytes(images)).permute(0, 3, 1, 2).contiguous()
    with progress("fitting", how.steps) as advance:
        weights = fit(squares, shape, how, told=lambda loss: advance(1, f"loss {loss:.3f}"))
    return Own(weights, shape, EmbedderCard("own", "", "", side, shape.dimensions, ""))


def measured(embedder: Embedder, images: Mapping[str, Sequence[Image]]) -> Found:
    """What an embedder finds among the images of one seed."""
    training, other, fresh = (rows(embedder, images[side]) for side in SIDES[:3])
    nearest = (other @ training.T).amax(dim=1)
    threshold = float(nearest.quantile(1 - FPR, interpolation="higher"))
    found, within = {}, {}
    for name in SHOWN:
        change = CHANGES[name]
        copies = rows(embedder, [to_tensor(change(to_picture(one))) for one in images["training"]])
        value, place = (copies @ training.T).max(dim=1)
        right = place == torch.arange(COUNT)
        found[name], within[name] = int(right.sum()), int((right & (value > threshold)).sum())
    false = int(((fresh @ training.T).amax(dim=1) > threshold).sum())
    came = [
        1 - (side @ fresh.T).amax(dim=1).numpy().astype(np.float64) for side in (training, other)
    ]
    return Found(found, within, false, roc(*came, fprs=()).auc.value or 0.0)


def table(name: str, columns: Mapping[str, Sequence[Found]]) -> list[str]:
    """A table of one set: a row a change, a column an embedder."""

    def cell(counts: Sequence[int]) -> str:
        n = COUNT * len(counts)
        between = percents(*clopper_pearson(sum(counts), n))
        ends = f"{percent(min(counts) / COUNT)} to {percent(max(counts) / COUNT)}"
        return f"{percent(sum(counts) / n)} ({between}; {ends})"

    lines = [f"\n## {name}, {SETS[name]} pixels\n", f"| | {' | '.join(columns)} |"]
    lines += ["|---|" + "---|" * len(columns)]
    for change in SHOWN:
        cells = [
            f"{cell([one.found[change] for one in some])} \\| "
            + percent(sum(one.within[change] for one in some) / (COUNT * len(some)))
            for some in columns.values()
        ]
        lines.append(f"| {change} | {' | '.join(cells)} |")
    cells = [cell([one.false for one in some]) for some in columns.values()]
    lines.append(f"| fresh images as near (chance {percent(FPR)}) | {' | '.join(cells)} |")
    areas = [[one.area for one in some] for some in columns.values()]
    cells = [f"{np.mean(some):.3f} ({min(some):.3f} to {max(some):.3f})" for some in areas]
    lines.append(f"| training against held-out images, area (chance 0.5) | {' | '.join(cells)} |")
    return lines


if __name__ == "__main__":
    main()
