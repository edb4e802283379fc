"""The pictures that the page shows, copied once, since the page asks nothing of the sources."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image as Picture

from solidmark.data import to_picture, to_tensor
from solidmark.errors import BrokenImage
from solidmark.marks import file_stem, write_image
from solidmark.measures.signals.kinds import SignalCard, suspicion
from solidmark.measures.signals.reading import Unit
from solidmark.runs import write_json
from solidmark.subjects import Subjects
from solidmark.types import Image

MOST = {"trained": 48, "held_out": 10}
"""How many of the most suspicious images by each signal are kept."""

SIDE = 256
"""Larger pictures are made this small."""


def keep_pictures(
    folder: Path,
    subjects: Subjects,
    table: Sequence[Mapping[str, Any]],
    cards: Mapping[str, SignalCard],
) -> None:
    """Writes `pictures/` and `pictures/index.json`: by split and id, where the picture lies.

    Arguments:
        subjects: The images; they are shown without frames.
    """
    wanted: dict[Unit, None] = {}
    for name, card in cards.items():
        for split, most in MOST.items():
            rows = [row for row in table if (row["signal"], row["split"]) == (name, split)]
            wanted |= dict.fromkeys(_first(rows, card, most))
    index: dict[str, dict[str, Any]] = {split: {} for split in MOST}
    for split, id in sorted(wanted):
        path = f"pictures/{split}/{file_stem(id)}.png"
        try:
            sample = subjects.sample(split, id)
        except BrokenImage:
            continue  # It could be read before; the page says that it cannot be shown.
        write_image(folder / path, _small(subjects.crop(sample.image[None])[0]))
        known = {"picture": path, "caption": sample.caption, "class": sample.label}
        index[split][id] = {key: value for key, value in known.items() if value is not None}
    write_json(folder / "pictures" / "index.json", index)


def _first(rows: Sequence[Mapping[str, Any]], card: SignalCard, most: int) -> list[Unit]:
    """The most suspicious images, each picture once."""
    good = [row for row in rows if row["status"] == "ok"]
    order = np.argsort(suspicion(card, np.array([row["value"] for row in good])), kind="stable")
    found: dict[str, Unit] = {}
    for place in order:
        row = good[place]
        found.setdefault(row["content"], (row["split"], row["id"]))
        if len(found) == most:
            break
    return list(found.values())


def _small(image: Image) -> Image:
    _, height, width = image.shape
    if max(height, width) <= SIDE:
        return image
    scale = SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return to_tensor(to_picture(image).resize(size, Picture.Resampling.LANCZOS))
