"""Builds folders of `inpaint` runs by the job itself: real digits, models of known memory."""

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from visiting import HOSTILE

from solidmark.data import Records, Sample, open_data
from solidmark.marks import Marked, Marking, Segments, mark_dataset, open_marked
from solidmark.measures.inpaint import Inpainting, inpaint
from solidmark.measures.inpaint.scoring import score_inpainting

SIDE, EDGE = 10, 2


@dataclass(frozen=True)
class Digits:
    """Digits, some of which are there again, under names that want to be markup.

    Arguments:
        count: How many different ones.
        repeated: So many of them are there three times.
        hostile: Whether ids and captions are hostile here and there.
        side: In pixels.
    """

    count: int
    repeated: int
    hostile: bool
    side: int

    @property
    def ids(self) -> list[str]:
        names = [f"digit {number:03d}" for number in range(self.count)]
        if self.hostile:
            names[:16] = [*HOSTILE, *(f"{name} once more" for name in HOSTILE)]
        copies = [f"{names[n]} again {k}" for n in range(self.repeated) for k in (1, 2)]
        return names + copies

    @cached_property
    def data(self) -> Records:
        return open_data("digits", resolution=self.side, limit=self.count)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> Sample:
        number = index if index < self.count else (index - self.count) // 2
        caption = f"a caption of {self.ids[number]}" if self.hostile else None
        return replace(self.data[number], id=self.ids[index], caption=caption)


def mark_digits(
    folder: Path,
    *,
    count: int = 64,
    repeated: int = 0,
    hostile: bool = False,
    held_out: float = 0.5,
    side: int = SIDE,
) -> Marked:
    """Marks digits; copies have keys of their own, so that no two marked images are equal."""
    marking = Marking(
        Segments(EDGE, 4),
        seed=0,
        held_out=held_out,
        keys_per_copy="independent",
        near_duplicates=False,
    )
    mark_dataset(Digits(count, repeated, hostile, side), folder, marking, {"count": count})
    return open_marked(folder)


def build_inpainted(out: Path, marked: Marked, model: str = "memorizer", **how: Any) -> Path:
    """Runs the attack and scores it."""
    fdr, fprs = how.pop("fdr", 0.05), how.pop("fprs", (0.1, 0.05))
    lowest = how.pop("lowest", 3)
    asked = {"draws": 6, "steps": 5} | how
    inpaint(Inpainting(model, str(marked.folder), out, **asked))
    score_inpainting(out, lowest=lowest, fdr=fdr, fprs=fprs)
    return out
