"""The two pictures of the README: `solidmark demo runs/demo`, then
`python benchmarks/pictures.py runs/demo`; writes docs/pictures/frame.png and page.png.

The page is photographed by Chromium, which must be installed.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

from solidmark.data import open_data, to_picture
from solidmark.marks import Segments

OUT = Path(__file__).parents[1] / "docs" / "pictures"
CHOSEN = (1000, 560, 300)
"""Drawings of openmoji."""


def frame() -> Image.Image:
    """Drawings before and after they are marked, side by side, twice as large."""
    import torch

    data, pattern = open_data("openmoji", resolution=64), Segments(4, 16)
    generator = torch.Generator().manual_seed(7)
    sheet = Image.new("RGB", (3 * (64 + 72 + 40), 80), "white")
    for place, number in enumerate(CHOSEN):
        image = data[number].image
        keys = torch.randint(256, (16,), generator=generator) / 255
        marked = pattern.apply(image[None], keys[None])[0]
        left = place * (64 + 72 + 40) + 8
        sheet.paste(to_picture(image), (left, 8))
        sheet.paste(to_picture(marked), (left + 64 + 16, 4))
    return sheet.resize((2 * sheet.width, 2 * sheet.height), Image.Resampling.NEAREST)


def page(report: Path) -> Image.Image:
    """The head of a page, as a reader sees it."""
    browser = shutil.which("chromium") or shutil.which("chromium-browser")
    if browser is None:
        raise SystemExit("Install chromium, which takes the picture of the page.")
    with tempfile.TemporaryDirectory() as here:
        shot = Path(here) / "page.png"
        words = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
        words += ["--window-size=1000,800", f"--screenshot={shot}", f"file://{report.resolve()}"]
        subprocess.run(words, check=True, capture_output=True)
        return Image.open(shot).convert("RGB").quantize(128)


if __name__ == "__main__":
    frame().quantize(128).save(OUT / "frame.png", optimize=True)
    page(Path(sys.argv[1]) / "report.html").save(OUT / "page.png", optimize=True)
