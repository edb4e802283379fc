"""What every case stands in: photographs, a marked folder, an index, an audit and tiny models."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from solidmark.cli import main

from .. import tiny
from .case import AUDIT_OPTIONS


def build(here: Path) -> Path:
    """Makes the folder that each case gets a copy of."""
    for folder, first, count in (("data", 0, 8), ("photos", 50, 8)):
        (here / folder).mkdir(parents=True)
        for number in range(first, first + count):
            pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
            Image.fromarray(pixels).save(here / folder / f"{number:02}.png")
            if folder == "photos":
                (here / folder / f"{number:02}.txt").write_text("a red dog")
    before = Path.cwd()
    os.chdir(here)
    try:
        mark = ["--thickness", "2", "--held-out", "0.5", "--seed", "1", "--resolution", "8"]
        _do("mark", "photos", "marked", *mark)
        _do("audit", "gaussian", "marked", "audit", *AUDIT_OPTIONS)
        larger = ["--thickness", "4", "--held-out", "0.5", "--seed", "1", "--resolution", "24"]
        _do("mark", "photos", "marked-32", *larger)
        tiny.stable_diffusion(here / "sd")
        index = ["--device", "cpu", "--distance", "l2", "--resolution", "8", "--mode", "RGB"]
        _do("index", "photos", "index", *index)
    finally:
        os.chdir(before)
    return here


def _do(*words: str) -> None:
    if main(list(words)) != 0:
        raise RuntimeError(f"The world cannot be made: {' '.join(words)}")
