"""A marking that kills itself at a chosen moment, as `kill -9` would."""

import os
import shutil
import signal
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

import torch

from solidmark.data import Sample, content_hash
from solidmark.errors import BrokenImage
from solidmark.marks import Border, Marking, mark_dataset, marking, painting, tables
from solidmark.runs import Ledger, Run

COUNT, BATCH = 40, 16
BROKEN = (5, 39)

PLACES: dict[str, tuple[Any, str]] = {
    "commit": (Ledger, "commit"),
    "image": (painting, "write_image"),
    "sync": (os, "fsync"),
    "replace": (os, "replace"),
    "table": (tables, "whole_file"),
    "clear": (shutil, "rmtree"),
    "sweep": (marking, "remove_temporaries"),
    "finish": (Run, "finish"),
    "manifest": (import_module("solidmark.runs.sealed"), "write_json"),
}
"""Where the kill can strike: before a batch is committed, before an image, within a file (the
temporary one is there), before a file gets its name, before a final table, and at the very end."""


class Photos:
    """40 pictures: two are broken, two are copies, some have captions, classes and groups."""

    ids: ClassVar[list[str]] = [f"album {n % 3}/{n:03d}.png" for n in range(COUNT)]

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, index: int) -> Sample:
        if index in BROKEN:
            raise BrokenImage(f'"{self.ids[index]}" is cut short.')
        noise = torch.Generator().manual_seed(7 if index == 8 else index)
        image = torch.randint(256, (3, 8, 8), generator=noise) / 255
        caption = f"number {index}\n\u2028\u0085 \u00e9" if index % 2 else None
        group = f"patient {index // 2}" if index < 20 or index == 30 else None
        label = str(index % 4) if index % 5 else None
        return Sample(self.ids[index], image, content_hash(image), caption, label, group)


def mark(out: Path) -> dict[str, Any]:
    return mark_dataset(
        Photos(), out, Marking(Border(2), seed=0, held_out=0.25, canaries=0.5), {"a": 1}
    )


def mark_until(place: str, count: int, out: Path) -> None:
    """Marks, and dies just before something is done for the `count`-th time."""
    marking.BATCH = BATCH
    if place:
        where, name = PLACES[place]
        setattr(where, name, _dying(getattr(where, name), count))
    mark(out)


def _dying(work: Callable[..., Any], count: int) -> Callable[..., Any]:
    done = 0

    def work_or_die(*arguments: Any, **options: Any) -> Any:
        nonlocal done
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **options)

    return work_or_die
