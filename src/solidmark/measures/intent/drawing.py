"""The generations: each text k times, and the training picture that each comes nearest to.

A text that stands for several things is drawn once. Every repeat of every text has a generator of
its own, so it is the same whatever else is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from solidmark.diffusion import Denoiser, Metered, Model
from solidmark.generating import Prompt as Told
from solidmark.generating import draw
from solidmark.late import torch
from solidmark.marks import write_image
from solidmark.measures.intent.asking import Intent
from solidmark.measures.intent.training import Training, write_original
from solidmark.randomness import generator
from solidmark.runs import Room, Run, work_through
from solidmark.subjects import Likeness, Subjects
from solidmark.types import Image, Latents

PICTURES = "pictures/generations"
"""Where the generations lie."""

Unit = tuple[int, int]
"""The number of a text, and which repeat."""


@dataclass(frozen=True)
class Task:
    """Everything that a generation depends on.

    Arguments:
        texts: What it is told, each once.
        size: Channels, height and width, frames included.
        training: What they are compared by.
    """

    asked: Intent
    model: Model
    texts: Sequence[str]
    size: tuple[int, int, int]
    subjects: Subjects
    training: Training
    likeness: Likeness

    @property
    def units(self) -> list[Unit]:
        """All generations, in order."""
        return [(text, k) for text in range(len(self.texts)) for k in range(self.asked.per_prompt)]

    @property
    def blank(self) -> Latents:
        return self.model.encode(torch.zeros(1, *self.size))

    def check(self) -> None:
        """Checks that the model can be told the texts, and led away from nothing if asked to.

        Raises:
            MissingCapability: When it cannot.
        """
        condition = self.model.condition([self._told((0, 0))])
        if self.asked.guidance != 1:
            self.model.unconditional(condition)

    def pictures(self, units: Sequence[Unit], size: int) -> list[tuple[Image, float]]:
        """The first `size` of some generations, frames cut off, each with its network calls."""
        asked, part = self.asked, units[:size]
        model = Metered(self.model, len(part))
        condition = model.condition([self._told(unit) for unit in part])
        denoiser = Denoiser(model, condition, asked.guidance, clamped=model.factor == 1)
        sources = [generator(asked.seed, self.texts[text], k, "intent") for text, k in part]
        drawn = draw(denoiser, self.blank, sources, steps=asked.steps, eta=asked.eta)
        images = self.subjects.crop(model.decode(drawn).cpu())
        return [(image, round(model.calls / len(part), 6)) for image in images]

    def _told(self, unit: Unit) -> Any:
        return Told(caption=self.texts[unit[0]]).sample(name_of(unit), self.size)


def draw_all(run: Run, task: Task, room: Room) -> Mapping[str, Any]:
    """Draws what is left of a run.

    Returns:
        The rows of all generations by `name_of`, and those on memory.
    """
    step = task.asked.batch_size
    units = task.units
    batches = [units[first : first + step] for first in range(0, len(units), step)]
    return work_through(
        run, "drawing", batches, name_of, partial(_draw_batch, run, task, room), room
    )


def name_of(unit: Unit) -> str:
    """The name of a generation in the ledger, and of its picture."""
    text, repeat = unit
    return f"{text:05d}-{repeat:03d}"


def _draw_batch(run: Run, task: Task, room: Room, units: Sequence[Unit]) -> dict[str, Any]:
    """Draws a batch, in parts where it does not fit; pictures are on disk before their rows."""
    drawn: list[tuple[Image, float]] = []
    while len(drawn) < len(units):
        drawn += room.fit(partial(task.pictures, units[len(drawn) :]))
    rows: dict[str, dict[str, Any]] = {}
    good: list[str] = []
    images: list[Image] = []
    for unit, (image, calls) in zip(units, drawn, strict=True):
        name = name_of(unit)
        rows[name] = {"status": "ok", "note": "", "network_calls": calls}
        if bool(image.isfinite().all()):
            good.append(name)
            images.append(image)
            rows[name]["picture"] = f"{PICTURES}/{name}.png"
            write_image(run.folder / PICTURES / f"{name}.png", image)
        else:
            note = "The model drew numbers that are not finite."
            rows[name] |= {"status": "failed", "note": note}
    if images:
        found = task.training.nearest_two(task.likeness, task.likeness.rows(images))
        for name, (id, value, second) in zip(good, found, strict=True):
            original = write_original(task.subjects, id, run.folder)
            rows[name] |= {"nearest": id, "similarity": value, "second": second}
            rows[name]["original"] = original
    return rows


def evidence_rows(task: Task, rows: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The rows of `evidence.parquet`, in order."""
    return [
        {"text": task.texts[unit[0]], "repeat": unit[1], **rows[name_of(unit)]}
        for unit in task.units
    ]
