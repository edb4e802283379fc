"""A model in closed form into which one case of each type is planted, and the data it was made of.

It draws one of the pictures of a group, and the words of a prompt say which group:

- "zorblax" gives a zorblax: the user's file knows the word and its pictures (explicit);
- "xanadu" gives a minaret, which no prompt names (implicit);
- "lamp", "ferry" and "clock" all give one and the same picture (unintended);
- every other prompt gives any of the other pictures, each rarely (nothing).
"""

import json
from dataclasses import replace
from pathlib import Path

import torch

from solidmark.data import Sample
from solidmark.marks import write_image
from solidmark.measures.intent import Intent
from solidmark.models import Memorizer

RULES = {
    "zorblax": "zorblax",
    "xanadu": "minaret",
    "lamp": "copied",
    "ferry": "copied",
    "clock": "copied",
}
GROUPS = {"zorblax": 4, "minaret": 4, "copied": 1, "rest": 40}
COPIES = 6

PROMPTS = [
    "a picture of zorblax",
    "a picture of zorblax at night",
    "the market of xanadu",
    "winter in xanadu",
    "xanadu from above",
    "a lamp in the hall",
    "the old ferry",
    "a broken clock and a chair",
    "some green apples",
    "a horse on a meadow",
]
GREEK = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta")
UNRELATED = [f"thing {word}" for word in GREEK]


def group_of(text: str) -> str:
    """Which pictures a prompt gives."""
    return next((group for word, group in RULES.items() if word in text.casefold()), "rest")


def pictures() -> dict[str, torch.Tensor]:
    """Every different picture, by its id: grey noise of 8 x 8 pixels."""
    names = [f"{group}-{number:02d}" for group, count in GROUPS.items() for number in range(count)]
    noise = torch.randint(256, (len(names), 1, 8, 8), generator=torch.Generator().manual_seed(5))
    return dict(zip(names, noise / 255, strict=True))


def write_training(folder: Path) -> Path:
    """The training images, with captions; the copied picture lies there six times."""
    lines = []
    for name, image in pictures().items():
        group = name.split("-")[0]
        caption = {"zorblax": "a zorblax", "minaret": f"xanadu, view {name[-2:]}"}.get(group)
        for copy in range(COPIES if group == "copied" else 1):
            file = f"{name}-{copy}.png"
            write_image(folder / file, image)
            words = ["lamp", "ferry", "clock", "hall", "chair", "sea"][copy]
            text = caption or (words if group == "copied" else f"thing {name[-2:]}")
            lines.append({"file_name": file, "id": file, "text": text, "class": group})
    (folder / "metadata.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return folder


def write_features(path: Path) -> Path:
    """What the user knows by name."""
    shown = {
        group: [f"{group}-{n:02d}-0.png" for n in range(4)] for group in ("zorblax", "minaret")
    }
    lines = [
        {"feature": "zorblax", "images": shown["zorblax"]},
        {"feature": "minaret", "images": shown["minaret"], "names": ["minaret", "tower"]},
    ]
    path.write_text("\n".join(map(json.dumps, lines)))
    return path


def planted() -> Memorizer:
    """The model."""
    images = pictures()
    told = tuple(name.split("-")[0] for name in images)

    def telling(sample: Sample) -> str:
        return group_of(sample.caption or "")

    return Memorizer(torch.stack(list(images.values())), told=told, telling=telling)


def untold() -> Memorizer:
    """A control that knows all pictures, and draws any of them whatever it is told."""
    return replace(planted(), told=None)


def asking(here: Path, out: str, **options: object) -> Intent:
    """A small run."""
    here.mkdir(parents=True, exist_ok=True)
    if not (here / "training").exists():
        write_training(here / "training")
        write_features(here / "features.jsonl")
        (here / "prompts.txt").write_text("\n".join(PROMPTS))
        (here / "unrelated.txt").write_text("\n".join(UNRELATED))
    usual = {
        "model": "planted",
        "training": str(here / "training"),
        "out": here / out,
        "prompts": here / "prompts.txt",
        "unrelated_prompts": here / "unrelated.txt",
        "features": here / "features.jsonl",
        "per_prompt": 12,
        "steps": 6,
        "mode": "L",
    }
    return Intent(**usual | options)  # type: ignore[arg-type]
