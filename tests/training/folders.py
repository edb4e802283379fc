"""Tiny marked folders and recipes."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from solidmark.data import Sample
from solidmark.marks import Border, Marking, mark_dataset
from solidmark.training import Recipe

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


@dataclass(frozen=True)
class Patterns:
    """Grey 8 x 8 pictures that differ from one another, made of waves."""

    count: int
    classes: int = 0
    channels: int = 1

    @property
    def ids(self) -> list[str]:
        return [f"picture-{number:02d}.png" for number in range(self.count)]

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Sample:
        generator = torch.Generator().manual_seed(index)
        coarse = torch.rand(1, self.channels, 3, 3, generator=generator)
        image = torch.nn.functional.interpolate(coarse, (8, 8), mode="bilinear")[0]
        image = (image * 255).round() / 255
        label = f"class {index % self.classes}" if self.classes else None
        return Sample(self.ids[index], image, str(index), label=label)


def mark(folder: Path, count: int = 12, **changes: Any) -> Path:
    """Marks pictures with a border of 2 pixels: 12 x 12, a quarter of them held out."""
    data = {name: changes.pop(name) for name in ("classes", "channels") if name in changes}
    marking = Marking(Border(2), **{"held_out": 0.25, "near_duplicates": False, **changes})
    mark_dataset(Patterns(count, **data), folder, marking, {"seed": 0})
    return folder
