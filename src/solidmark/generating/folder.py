"""`generate`: a model draws an image folder.

Each image has a generator of its own and the batches are fixed before the work starts, so image 17
is the same after any number of kills and with any number of processes; another size of batch or
another processor moves a pixel by a grey level at most.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from solidmark.diffusion import Denoiser, Metered, Model
from solidmark.generating.configuration import mitigated
from solidmark.generating.drawing import draw
from solidmark.generating.generation import Generation
from solidmark.generating.prompts import Prompt, check_told
from solidmark.late import torch
from solidmark.marks import Marked, write_image
from solidmark.models import model_fingerprints
from solidmark.models.footprint import room_for
from solidmark.randomness import digest, generator
from solidmark.runs import (
    Processes,
    Room,
    Run,
    forget_peak,
    memory_of,
    open_run,
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
    blank: Latents

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
    marked = generation.open_marked()
    bare = generation.open_model(marked) if bare is None else bare
    size = (bare.channels, *generation.size(bare, marked))
    prompts = generation.prompts(bare, marked)
    check_told(bare, prompts, size)
    model = mitigated(bare, generation.mitigations, generation.seed)
    if generation.guidance != 1:
        model.unconditional(bare.condition([prompts[0].sample("", size)]))
    prints = {
        **model_fingerprints(generation.model, generation.opening),
        **({} if marked is None else marked.fingerprints()),
        **(made_of or {}),
        "prompts": digest(0, *(str(prompt) for prompt in prompts)).hex()[:16],
    }
    run = open_run(generation.out, "generate", generation.to_json(), prints)
    if run.finished:
        return run
    forget_peak(generation.opening.device)
    room = room_for(bare, generation.batch_size, generation.opening.device, [size[1:]])
    blank = bare.encode(torch.zeros(1, *size))
    task = _Task(generation, marked, model, prompts, size, blank)
    step = generation.batch_size
    batches = [range(first, len(prompts))[:step] for first in range(0, len(prompts), step)]
    draw_batch = partial(_draw_batch, run, task, room)
    rows = work_through(run, "drawing", batches, _id, draw_batch, room, _files)
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


def _draw_batch(run: Run, task: _Task, room: Room, numbers: Sequence[int]) -> dict[str, Any]:
    """Draws a batch, in parts where it does not fit; the images are on disk before their rows."""
    drawn: list[tuple[Image, float]] = []
    while len(drawn) < len(numbers):
        drawn += room.fit(partial(task.pictures, numbers[len(drawn) :]))
    rows: dict[str, Any] = {}
    for number, (image, calls) in zip(numbers, drawn, strict=True):
        row = {"status": "ok", "note": "", "network_calls": calls}
        if bool(image.isfinite().all()):
            write_image(run.folder / IMAGES / f"{_id(number)}.png", image)
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
