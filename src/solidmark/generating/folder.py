"""`generate`: a model draws an image folder.

Each image has a generator of its own and the batches are fixed before the work starts, so image 17
is the same after any number of kills and with any number of processes; another size of batch or
another processor moves a pixel by a grey level at most.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from solidmark.diffusion import Denoiser, Metered, Model
from solidmark.generating.configuration import mitigated
from solidmark.generating.drawing import draw
from solidmark.generating.generation import Generation
from solidmark.generating.prompts import Prompt, check_told
from solidmark.late import torch
from solidmark.marks import Marked, write_image
from solidmark.models import model_fingerprints
from solidmark.models.controls import CONTROLS
from solidmark.models.footprint import room_for
from solidmark.randomness import digest, generator
from solidmark.runs import (
    Processes,
    Room,
    Run,
    Work,
    forget_peak,
    memory_of,
    open_run,
    require_same,
    tame,
    work_through,
    write_bytes,
)
from solidmark.types import Image, Latents

IMAGES = "images"
"""Where the images lie in the folder."""


@dataclass(frozen=True)
class _Task:
    """Everything that one image depends on, but its number."""

    generation: Generation
    marked: Marked | None
    model: Model
    prompts: Sequence[Prompt]
    size: tuple[int, int, int]

    @classmethod
    def of(cls, generation: Generation, bare: Model | None = None) -> "_Task":
        """Opens all of it; raises as `generate`."""
        marked = generation.open_marked()
        bare = generation.open_model(marked) if bare is None else bare
        size = (bare.channels, *generation.size(bare, marked))
        prompts = generation.prompts(bare, marked)
        check_told(bare, prompts, size)
        model = mitigated(bare, generation.mitigations, generation.seed)
        if generation.guidance != 1:
            model.unconditional(bare.condition([prompts[0].sample("", size)]))
        return cls(generation, marked, model, prompts, size)

    @cached_property
    def blank(self) -> Latents:
        return self.model.encode(torch.zeros(1, *self.size))

    def prints(self) -> dict[str, str]:
        """What the run is recognised by."""
        return {
            **model_fingerprints(self.generation.model, self.generation.opening),
            **({} if self.marked is None else self.marked.fingerprints()),
            "prompts": digest(0, *(str(prompt) for prompt in self.prompts)).hex()[:16],
        }

    def pictures(self, numbers: Sequence[int], size: int) -> list[tuple[Image, float]]:
        """The first `size` of some images, each with the network calls that it cost."""
        asked, part = self.generation, numbers[:size]
        model = Metered(self.model, len(part))
        samples = [self.prompts[number].sample(_id(number), self.size) for number in part]
        denoiser = Denoiser(
            model, model.condition(samples), asked.guidance, clamped=model.factor == 1
        )
        generators = [generator(asked.seed, str(number), 0, "generate") for number in part]
        drawn = draw(denoiser, self.blank, generators, steps=asked.steps, eta=asked.eta)
        images = model.decode(drawn).cpu()
        if self.marked is not None and asked.crop:
            images = self.marked.pattern.crop(images)
        return [(image, round(model.calls / len(part), 6)) for image in images]


@dataclass(frozen=True)
class _Away:
    """How another machine draws.

    Arguments:
        generation: Without what it has read already.
        prints: The fingerprints of the run.
    """

    generation: Generation
    prints: Mapping[str, str]

    def open(self, folder: Path, room: Room) -> Work[int]:
        task = _Task.of(self.generation)
        require_same(self.prints, task.prints())
        return partial(_draw_batch, folder, task, room)


def generate(
    generation: Generation, bare: Model | None = None, made_of: Mapping[str, str] | None = None
) -> Run:
    """Draws images into a folder; the same call goes on with a folder that was not finished.

    Arguments:
        generation: The model, what it is told, and how it is sampled from.
        bare: The model, where it is open already.
        made_of: The fingerprints of the images that a control is made of.

    Returns:
        The run. Its folder is an image folder: `images/` and `metadata.jsonl`. Images that are
        not finite are not written; the manifest names them under `failed`.

    Raises:
        BadInput: When the model cannot be asked so, or one image does not fit into the memory.
        MissingCapability: When there is guidance, and the model has nothing to be led from.
    """
    task = _Task.of(generation, bare)
    prints = task.prints()
    run = open_run(generation.out, "generate", generation.to_json(), prints | dict(made_of or {}))
    if run.finished:
        return run
    forget_peak(generation.opening.device)
    device = generation.opening.device
    room = room_for(task.model, generation.batch_size, device, [task.size[1:]])
    step, count = generation.batch_size, len(task.prompts)
    batches = [range(first, count)[:step] for first in range(0, count, step)]
    # A control is made of images, which the configuration may not name.
    is_made = bare is not None and generation.model in CONTROLS
    rows = work_through(
        run,
        "drawing",
        batches,
        _id,
        partial(_draw_batch, run.folder, task, room),
        room,
        _files,
        None if is_made else _Away(replace(generation), prints),
    )
    if Processes.here().is_main:
        _finish(run, task, rows)
    Processes.here().wait()
    return run


def _id(number: int) -> str:
    return f"{number:06d}"


def _files(rows: Mapping[str, Any]) -> dict[str, str]:
    """The image of each row; those on memory, and failed ones, have none."""
    good = [name for name, row in rows.items() if row.get("status") == "ok"]
    return {name: f"{IMAGES}/{name}.png" for name in good}


def _draw_batch(folder: Path, task: _Task, room: Room, numbers: Sequence[int]) -> dict[str, Any]:
    """Draws a batch, in parts where it does not fit; the images are on disk before their rows."""
    drawn: list[tuple[Image, float]] = []
    while len(drawn) < len(numbers):
        drawn += room.fit(partial(task.pictures, numbers[len(drawn) :]))
    rows: dict[str, Any] = {}
    for number, (image, calls) in zip(numbers, drawn, strict=True):
        row = {"status": "ok", "note": "", "network_calls": calls}
        if bool(image.isfinite().all()):
            write_image(folder / IMAGES / f"{_id(number)}.png", image)
        else:
            row |= {"status": "failed", "note": "The model drew numbers that are not finite."}
        rows[_id(number)] = row
    return rows


def _finish(run: Run, task: _Task, rows: Mapping[str, Any]) -> None:
    """Writes the metadata of the images, and what was found out into the manifest."""
    ids = [_id(number) for number in range(len(task.prompts))]
    failed = {id: rows[id]["note"] for id in ids if rows[id]["status"] != "ok"}
    lines = [
        _line(id, prompt, task.generation.seed)
        for id, prompt in zip(ids, task.prompts, strict=True)
        if id not in failed
    ]
    text = "".join(tame(json.dumps(line, ensure_ascii=False)) + "\n" for line in lines)
    write_bytes(run.folder / "metadata.jsonl", text.encode("utf-8", "backslashreplace"))
    run.finish(
        IMAGES,
        "metadata.jsonl",
        images=len(lines),
        failed=failed,
        size=list(task.size),
        network_calls_per_image=round(sum(rows[id]["network_calls"] for id in ids) / len(ids), 6),
        memory=memory_of(rows),
    )


def _line(id: str, prompt: Prompt, seed: int) -> dict[str, Any]:
    """A line of `metadata.jsonl`; what is not known is not there."""
    known = {"text": prompt.caption, "class": prompt.label, "prompt_id": prompt.id}
    return {
        "file_name": f"{IMAGES}/{id}.png",
        "id": id,
        **{name: value for name, value in known.items() if value is not None},
        "seed": seed,
    }
