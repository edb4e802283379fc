"""Data of a study's own: an image folder, as any data are read."""

import json
from collections.abc import Iterable
from pathlib import Path

from solidmark.data import Sample, to_picture


def write_samples(samples: Iterable[Sample], folder: Path) -> int:
    """Writes images with what is known of each.

    Arguments:
        samples: The images; each id names a file.
        folder: Where to.

    Returns:
        How many there were.
    """
    folder.mkdir(exist_ok=True)
    lines = []
    for number, sample in enumerate(samples):
        name = f"{number:06d}.png"
        to_picture(sample.image).save(folder / name)
        told = {"text": sample.caption, "class": sample.label, "group": sample.group}
        known = {column: value for column, value in told.items() if value is not None}
        lines.append(json.dumps({"file_name": name, "id": sample.id, **known}) + "\n")
    (folder / "metadata.jsonl").write_text("".join(lines), encoding="utf-8")
    return len(lines)
