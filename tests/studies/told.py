"""Pictures with captions, and a text-to-image model that has learned nothing, for studies."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import tiny
from PIL import Image

WORDS = (
    *("anchor", "banana", "cactus", "dragon", "engine", "feather", "guitar", "hammer"),
    *("island", "jacket", "kettle", "lantern", "mirror", "needle", "orchid", "pencil"),
)


def pictures(folder: Path, count: int = 16, side: int = 16) -> Path:
    """An image folder of noise, a caption each."""
    folder.mkdir(parents=True)
    draws = np.random.default_rng(0)
    lines = []
    for number, word in enumerate(WORDS[:count]):
        values = draws.integers(0, 256, (side, side, 3), dtype=np.uint8)
        Image.fromarray(values).save(folder / f"{number:02d}.png")
        lines.append(json.dumps({"file_name": f"{number:02d}.png", "text": f"an old {word}"}))
    (folder / "metadata.jsonl").write_text("\n".join(lines) + "\n")
    return folder


def asked(folder: Path, **size: Any) -> dict[str, Any]:
    """The setting of a study of such pictures, with a base whose denoiser is begun anew."""
    return {
        "data": str(pictures(folder / "pictures")),
        "images": 8,
        "resolution": 16,
        "recipe": {"base": str(tiny.stable_diffusion(folder / "base"))},
        "size": {"steps": 2, **size},
    }
