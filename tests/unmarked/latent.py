"""Image folders with captions and classes."""

import json
from pathlib import Path

import tiny
from training.folders import Patterns

from solidmark.data import to_picture

SIDE = 16
"""Of a picture, in pixels; a cell of the latents has two."""


def write_pictures(folder: Path, first: int, count: int, side: int = SIDE) -> Path:
    """Writes pictures that differ, each with a caption and a class of its own."""
    folder.mkdir(parents=True)
    every = Patterns(first + count, channels=3, side=side)
    lines = []
    for number in range(first, first + count):
        to_picture(every[number].image).save(folder / every.ids[number])
        words = tiny.WORDS[1 + number % 8], tiny.WORDS[1 + number // 8 % 8]
        about = {"text": f"a {' '.join(words)}", "label": number % 3}
        lines.append(json.dumps({"file_name": every.ids[number], **about}))
    (folder / "metadata.jsonl").write_text("\n".join(lines), encoding="utf-8")
    return folder
