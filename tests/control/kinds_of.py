"""Folders of digits whose control is of the same kind, or of another one."""

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

from PIL import Image as Picture
from PIL import ImageFilter

from solidmark.data import Records, open_data, to_picture
from solidmark.types import Image

Change = Callable[[Picture.Image], Picture.Image]

WORDS = ("apple", "bell", "crow", "drum", "eel", "fan", "gate", "hill", "ink", "jug")


@cache
def digits() -> Records:
    return open_data("digits")


def numbers(some: Callable[[int], bool], first: int, count: int) -> list[int]:
    """Digits of some classes, by their place in the set."""
    records = digits().records
    fit = [n for n, record in enumerate(records) if some(int(record.label or 0))]
    return fit[first : first + count]


def low(first: int, count: int) -> list[int]:
    """Digits 0 to 4."""
    return numbers(lambda digit: digit < 5, first, count)


def high(first: int, count: int) -> list[int]:
    """Digits 5 to 9."""
    return numbers(lambda digit: digit >= 5, first, count)


def blurred(picture: Picture.Image) -> Picture.Image:
    return picture.filter(ImageFilter.GaussianBlur(1))


def same(picture: Picture.Image) -> Picture.Image:
    return picture


def write(
    folder: Path, chosen: Sequence[int], change: Change = same, captions: bool = False
) -> Path:
    """An image folder of some digits, changed; with a caption of its own for each if asked."""
    folder.mkdir(parents=True, exist_ok=True)
    data, lines = digits(), []
    for number in chosen:
        sample = data[number]
        name = f"{number:05d}.png"
        change(to_picture(sample.image)).save(folder / name)
        ten, one = divmod(number % 100, 10)
        text = f"{WORDS[int(sample.label or 0)]} {WORDS[ten]} {WORDS[one]} {number}"
        lines.append({"file_name": name, "text": text, "class": sample.label})
    if captions:
        (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def image_of(number: int) -> Image:
    return digits()[number].image
