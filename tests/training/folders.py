"""Tiny marked folders and recipes."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import tiny
import torch

from solidmark.data import Sample
from solidmark.marks import Border, Marking, mark_dataset
from solidmark.training import Recipe, autoencoder, captions, preset

SMALL = dict(
    train_batch_size=4,
    learning_rate=2e-3,
    lr_scheduler="cosine",
    lr_warmup_steps=2,
    ema_decay=0.9,
    block_out_channels=(8, 16),
    layers_per_block=1,
    attention_levels=(),
    mid_attention=False,
    norm_num_groups=4,
)


def small(**changes: Any) -> Recipe:
    """A recipe that trains in a second."""
    return Recipe(**{"num_train_epochs": 3, **SMALL, **changes})


TUNED = dict(
    num_train_epochs=2,
    train_batch_size=4,
    learning_rate=2e-3,
    lr_scheduler="cosine",
    lr_warmup_steps=2,
    ema_decay=0.0,
)


def tuned(base: Path | str, **changes: Any) -> Recipe:
    """A recipe that fine-tunes in a second."""
    return Recipe(**{"base": str(base), **TUNED, **changes})


def tiny_t2i(**changes: Any) -> Recipe:
    """A recipe of the tiny text-to-image model that trains in a second."""
    small = {"num_train_epochs": 2, "train_batch_size": 4, "block_out_channels": (8, 16)}
    return preset("tiny-t2i", **{**small, "lr_warmup_steps": 1, "adam_epsilon": 1e-3, **changes})


def shorten_parts() -> Callable[[], None]:
    """Gives its autoencoder and its text encoder four steps; what it returns undoes that."""
    before = autoencoder.AUTOENCODER, captions.CAPTIONS
    steps = dict(max_train_steps=4, checkpointing_steps=2, train_batch_size=4, adam_epsilon=1e-3)
    autoencoder.AUTOENCODER, captions.CAPTIONS = (replace(recipe, **steps) for recipe in before)

    def restore() -> None:
        autoencoder.AUTOENCODER, captions.CAPTIONS = before

    return restore


@dataclass(frozen=True)
class Patterns:
    """Square pictures that differ from one another, made of waves."""

    count: int
    classes: int = 0
    channels: int = 1
    side: int = 8
    captions: bool = False

    @property
    def ids(self) -> list[str]:
        return [f"picture-{number:02d}.png" for number in range(self.count)]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        generator = torch.Generator().manual_seed(index)
        coarse = torch.rand(1, self.channels, 3, 3, generator=generator)
        image = torch.nn.functional.interpolate(coarse, (self.side, self.side), mode="bilinear")[0]
        image = (image * 255).round() / 255
        label = f"class {index % self.classes}" if self.classes else None
        caption = f"a {tiny.WORDS[1 + index % 3]} {tiny.WORDS[4 + index % 4]}"
        told = caption if self.captions else None
        return Sample(self.ids[index], image, str(index), caption=told, label=label)


def mark(folder: Path, count: int = 12, **changes: Any) -> Path:
    """Marks pictures with a border of 2 pixels: 12 x 12, a quarter of them held out."""
    names = ("classes", "channels", "side", "captions")
    data = {name: changes.pop(name) for name in names if name in changes}
    pattern = changes.pop("pattern", Border(2))
    marking = Marking(pattern, **{"seed": 0, "held_out": 0.25, "near_duplicates": False, **changes})
    mark_dataset(Patterns(count, **data), folder, marking, {"seed": 0})
    return folder


def mark_captioned(folder: Path, count: int = 12, **changes: Any) -> Path:
    """Marks colour pictures with captions and classes, 24 x 24 with a border of 4."""
    told = {"classes": 3, "channels": 3, "side": 16, "captions": True, "pattern": Border(4)}
    return mark(folder, count, **{**told, **changes})


def kept(out: Path) -> dict[str, bytes]:
    """All that must be the same to the bit; the manifest and the states tell how long it took."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in sorted(out.rglob("*"))
        if path.is_file() and path.name not in ("manifest.json", "state.json")
    }


def losses(out: Path) -> list[float]:
    """The loss of every step of a training."""
    with open(out / "loss.csv", newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]
