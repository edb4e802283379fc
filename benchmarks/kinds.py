"""How often the test of a control refuses even splits, and which shifts it sees.

No model, no network: `python benchmarks/kinds.py` writes the tables of benchmarks/kinds.md.
"""

import argparse
import io
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from PIL import Image as Picture
from PIL import ImageEnhance, ImageFilter

from solidmark.control import measured, told_by
from solidmark.data import open_data, to_picture, to_tensor
from solidmark.errors import NotFound
from solidmark.scores import clopper_pearson
from solidmark.scores.control import LEVEL
from solidmark.types import Image

SETS = {"digits": (3000, None), "land": (2000, None), "openmoji": (1000, 64)}
"""How many pictures of each example set are drawn from, and how large they are made."""

SIZES = ((20, 20), (64, 64), (64, 16), (300, 300))
SHIFTED = ((20, 20), (64, 64))

Change = Callable[[Picture.Image], Picture.Image]


def _jpeg(quality: int, picture: Picture.Image) -> Picture.Image:
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=quality)
    return Picture.open(file)


def _crop(share: float, picture: Picture.Image) -> Picture.Image:
    width, height = picture.size
    left, top = round(share * width), round(share * height)
    inner = picture.crop((left, top, width - left, height - top))
    return inner.resize(picture.size, Picture.Resampling.BICUBIC)


def _smaller(factor: float, picture: Picture.Image) -> Picture.Image:
    size = tuple(round(factor * side) for side in picture.size)
    small = picture.resize(size, Picture.Resampling.BICUBIC)
    return small.resize(picture.size, Picture.Resampling.BICUBIC)


CHANGES: Mapping[str, Change] = {
    "blur, sigma .5 pixels": lambda p: p.filter(ImageFilter.GaussianBlur(0.5)),
    "blur, sigma 1 pixel": lambda p: p.filter(ImageFilter.GaussianBlur(1)),
    "contrast x .9": lambda p: ImageEnhance.Contrast(p).enhance(0.9),
    "contrast x .8": lambda p: ImageEnhance.Contrast(p).enhance(0.8),
    "JPEG of quality 90": partial(_jpeg, 90),
    "JPEG of quality 75": partial(_jpeg, 75),
    "JPEG of quality 50": partial(_jpeg, 50),
    "crop by 5 % a side": partial(_crop, 0.05),
    "crop by 10 % a side": partial(_crop, 0.1),
    "from 3/4 of the resolution": partial(_smaller, 0.75),
    "from half the resolution": partial(_smaller, 0.5),
}


class Pictures:
    """An example set with its features, which are measured once."""

    def __init__(self, name: str) -> None:
        most, side = SETS[name]
        data = open_data(name, resolution=side)
        order = np.random.default_rng(0).permutation(len(data))[:most]
        samples = [data[int(number)] for number in order]
        self.name, self.labels = name, [sample.label for sample in samples]
        self.images: list[Image] = [sample.image for sample in samples]
        self.rows = measured(self.images)

    def changed(self, change: Change, count: int = 400) -> dict[str, np.ndarray]:
        """The features of the first pictures after a change."""
        return measured([to_tensor(change(to_picture(image))) for image in self.images[:count]])


def told(one: Mapping[str, np.ndarray], other: Mapping[str, np.ndarray], seed: int) -> float:
    """The p-value of two sets of rows."""
    rows = {name: np.concatenate([one[name], other[name]]) for name in one}
    n, m = len(one["texture"]), len(other["texture"])
    p_value = told_by(rows, np.arange(n + m) < n, seed).auc.p_value
    assert p_value is not None
    return p_value


def take(rows: Mapping[str, np.ndarray], numbers: Sequence[int]) -> dict[str, np.ndarray]:
    return {name: found[list(numbers)] for name, found in rows.items()}


def refused(p: Sequence[float]) -> str:
    """A share with its interval."""
    count = sum(one <= LEVEL for one in p)
    low, high = clopper_pearson(count, len(p))
    return f"{count} of {len(p)} ({100 * low:.1f} to {100 * high:.1f} %)"


def even(pictures: Pictures, sizes: tuple[int, int], audits: int) -> list[float]:
    """p-values of random halves: classes are balanced by chance alone."""
    found = []
    for number in range(audits):
        order = np.random.default_rng([1, number]).permutation(len(pictures.images)).tolist()
        one, other = order[: sizes[0]], order[sizes[0] : sum(sizes)]
        found.append(told(take(pictures.rows, one), take(pictures.rows, other), number))
    return found


def shifted(
    pictures: Pictures, rows: Mapping[str, np.ndarray], sizes: tuple[int, int], audits: int
) -> list[float]:
    """p-values where the second side was changed; no picture is on both sides."""
    found = []
    for number in range(audits):
        order = np.random.default_rng([2, number]).permutation(len(rows["texture"])).tolist()
        one, other = order[: sizes[0]], order[sizes[0] : sum(sizes)]
        found.append(told(take(pictures.rows, one), take(rows, other), number))
    return found


def classes(pictures: Pictures, sizes: tuple[int, int], audits: int) -> list[float]:
    """p-values of digits 0 to 4 against 5 to 9."""
    low = [n for n, label in enumerate(pictures.labels) if int(label or 0) < 5]
    high = sorted(set(range(len(pictures.images))) - set(low))
    found = []
    for number in range(audits):
        rng = np.random.default_rng([3, number])
        one, other = rng.permutation(low)[: sizes[0]], rng.permutation(high)[: sizes[1]]
        found.append(
            told(take(pictures.rows, one.tolist()), take(pictures.rows, other.tolist()), number)
        )
    return found


def say(line: str) -> None:
    """Writes a line at once, since a table takes minutes."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Prints both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--audits", type=int, default=1000, help="even splits a row")
    parser.add_argument("--shifts", type=int, default=40, help="shifted splits a cell")
    parser.add_argument("--sets", nargs="+", default=list(SETS))
    asked = parser.parse_args()
    torch.set_num_threads(1)
    sets = []
    for name in asked.sets:
        try:
            sets.append(Pictures(name))
        except NotFound as error:
            say(f"# {name} is left out: {error}")
    say(f"\n| even splits of | a side | refused (p at most {LEVEL:g}) | p at most .05 |")
    say("|---|---|---|---|")
    for pictures in sets:
        for sizes in SIZES:
            p = even(pictures, sizes, asked.audits if sum(sizes) < 300 else asked.audits // 2)
            lax = sum(one <= 0.05 for one in p) / len(p)
            sides = f"{sizes[0]} + {sizes[1]}"
            say(f"| {pictures.name} | {sides} | {refused(p)} | {100 * lax:.1f} % |")
    heads = [f"{p.name}, {n} + {m}" for p in sets for n, m in SHIFTED]
    say(f"\n| shift | {' | '.join(heads)} |\n|{'---|' * (len(heads) + 1)}")
    cells = [
        f"{100 * np.mean([p <= LEVEL for p in classes(one, sizes, asked.shifts)]):.0f} %"
        if one.name == "digits"
        else "–"
        for one in sets
        for sizes in SHIFTED
    ]
    say(f"| digits 0 to 4, 5 to 9 | {' | '.join(cells)} |")
    for what, change in CHANGES.items():
        cells = []
        for one in sets:
            rows = one.changed(change)
            for sizes in SHIFTED:
                p = shifted(one, rows, sizes, asked.shifts)
                cells.append(f"{100 * np.mean([each <= LEVEL for each in p]):.0f} %")
        say(f"| {what} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
