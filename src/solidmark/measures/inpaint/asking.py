"""`inpaint`: the half of the inpainting attack that asks the model.

Every draw of every image has a generator of its own. The draws of all images are one list, cut
into batches before the work starts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.control import look_at_control, sides_of
from solidmark.data import Sample
from solidmark.diffusion import (
    Denoiser,
    Known,
    Metered,
    Model,
    inpaint_latents,
    inpaint_pixels,
    jump_times,
    spaced_times,
)
from solidmark.errors import BrokenImage
from solidmark.generating.configuration import mitigated
from solidmark.late import torch
from solidmark.marks import file_stem, write_image
from solidmark.measures.inpaint.configuration import Inpainting, frame_of, hidden_half
from solidmark.models import model_fingerprints
from solidmark.models.footprint import room_for
from solidmark.randomness import generator
from solidmark.runs import (
    Processes,
    Room,
    Run,
    Work,
    forget_peak,
    memory_of,
    open_run,
    require_same,
    typed,
    work_through,
    write_rows,
)
from solidmark.subjects import Subjects, keep_groups_of
from solidmark.types import Image, Mask

NEUTRAL = 0.5
"""The grey that an autoencoder sees where the image is hidden."""

EVIDENCE = pa.schema(
    [
        *typed(pa.string(), "split", "id"),
        ("draws", pa.int64()),
        ("distances", pa.list_(pa.float64())),
        ("best_draw", pa.int64()),
        ("picture", pa.string()),
        ("contrast", pa.float64()),
        ("content", pa.string()),
        ("network_calls", pa.float64()),
        *typed(pa.string(), "status", "note"),
    ]
)
"""The columns of `evidence.parquet`; `contrast` is that of the hidden half, in [0, 0.5], `content`
the hash of the pixels before marking: copies have frames of their own, but one picture."""

_Unit = tuple[str, str, int]
"""Split, id, and which draw."""


@dataclass(frozen=True)
class _Task:
    """Everything that the draws depend on.

    Arguments:
        frame: Where the images are frame; nowhere where they were not marked.
        scored: Where they are hidden and scored.
    """

    asked: Inpainting
    subjects: Subjects
    model: Model
    frame: Mask
    scored: Mask

    @classmethod
    def of(cls, asked: Inpainting) -> "_Task":
        """Opens all of it; raises as `inpaint`."""
        subjects = asked.open_subjects()
        bare = asked.open_model(subjects)
        model = mitigated(bare, asked.mitigations, asked.seed)
        pattern = None if subjects.marked is None else subjects.marked.pattern
        _, height, width = subjects.size
        frame = frame_of(pattern, (height, width))
        scored = hidden_half(pattern, (height, width), asked.half)
        task = cls(asked, subjects, model, frame, scored)
        _check_guidance(asked, bare, subjects, task.units[0])
        return task

    @cached_property
    def free(self) -> Mask:
        """Where the model draws."""
        return self.scored | self.frame if self.asked.frame == "hidden" else self.scored

    @property
    def units(self) -> list[_Unit]:
        """All draws, in order."""
        return [
            (split, id, draw)
            for split in self.asked.splits
            for id in self.subjects.ids(split)
            for draw in range(self.asked.draws)
        ]

    def prints(self) -> dict[str, str]:
        """What the run is recognised by."""
        marked, asked = self.subjects.marked, self.asked
        found = (
            self.subjects.fingerprint() if marked is None else marked.fingerprints(*asked.splits)
        )
        return found | model_fingerprints(asked.model, asked.opening)

    def pictures(
        self, units: Sequence[_Unit], samples: Sequence[Sample], size: int
    ) -> list[tuple[Image, float]]:
        """The first `size` of some draws, each with the network calls that it cost."""
        asked = self.asked
        units, samples = units[:size], samples[:size]
        model = Metered(self.model, len(units))
        images = torch.stack([sample.image for sample in samples])
        known = Known(
            torch.where(self.free, NEUTRAL, images),
            self.free,
            [generator(asked.seed, id, draw, "inpaint") for _, id, draw in units],
        )
        condition = model.condition(samples)
        if model.factor == 1:
            denoiser = Denoiser(model, condition, asked.guidance, clamped=True)
            times = spaced_times(asked.steps)
            walk = jump_times(times, asked.jump_length, asked.jump_count)
            drawn = inpaint_pixels(denoiser, known, walk, asked.eta)
        else:
            drawn = inpaint_latents(
                Denoiser(model, condition, asked.guidance),
                known,
                asked.steps,
                every=asked.every,
                paste=asked.paste,
                eta=asked.eta,
            )
        return [(image, round(model.calls / len(units), 6)) for image in drawn]


@dataclass(frozen=True)
class _Away:
    """How another machine draws."""

    asked: Inpainting
    prints: Mapping[str, str]

    def open(self, folder: Path, room: Room) -> Work[_Unit]:
        task = _Task.of(self.asked)
        require_same(self.prints, task.prints())
        return partial(_draw_batch, folder, task, room)


def inpaint(inpainting: Inpainting) -> Run:
    """Hides half of each image and lets the model draw it, many times.

    Arguments:
        inpainting: The model, the images, and how they are inpainted.

    Returns:
        The run, with `evidence.parquet` in its folder, a row an image, and the best picture of
        each in `pictures/`. The same call goes on with a folder that was not finished.

    Raises:
        BadInput: When model and images do not fit, or one image not into the memory.
        MissingCapability: When there is guidance, and the model has nothing to be led from.
    """
    task = _Task.of(inpainting)
    units, marked, prints = task.units, task.subjects.marked, task.prints()
    run = open_run(inpainting.out, "inpaint", inpainting.to_json(), prints)
    if run.finished:
        return run
    forget_peak(inpainting.opening.device)
    device = inpainting.opening.device
    room = room_for(task.model, inpainting.batch_size, device, [task.subjects.size[1:]])
    step = inpainting.batch_size
    batches = [units[first : first + step] for first in range(0, len(units), step)]
    rows = work_through(
        run,
        "inpainting",
        batches,
        _name,
        partial(_draw_batch, run.folder, task, room),
        room,
        _best_pictures,
        _Away(inpainting, prints),
    )
    if Processes.here().is_main:
        _write_evidence(run, task, units, rows)
        if marked is None:  # Else it is looked at when the run is scored.
            look_at_control(run.folder, *sides_of(task.subjects), inpainting.seed)
        run.finish(
            "evidence.parquet",
            "pictures",
            *(() if marked is not None else ("control.json",)),
            *keep_groups_of(run.folder, task.subjects),
            memory=memory_of(rows),
            picture=_box(~task.frame),
            hidden=_box(task.scored),
        )
    Processes.here().wait()
    return run


def _check_guidance(asked: Inpainting, model: Model, subjects: Subjects, unit: _Unit) -> None:
    """Fails before anything is written where the model has nothing to be led from."""
    if asked.guidance != 1:
        try:
            model.unconditional(model.condition([subjects.sample(*unit[:2])]))
        except BrokenImage:
            return  # It will be a failed row; the others say the same in time.


def _name(unit: _Unit) -> str:
    split, id, draw = unit
    return f"{split} {draw} {id}"


def _draw_batch(folder: Path, task: _Task, room: Room, units: Sequence[_Unit]) -> dict[str, Any]:
    """Makes the draws of a batch; the best picture of each image is on disk before the rows."""
    rows: dict[str, Any] = {}
    found: dict[tuple[str, str], Sample | str] = {}
    for split, id, _ in units:
        if (split, id) not in found:
            found[split, id] = _load(task.subjects, split, id)
    good: list[_Unit] = []
    samples: list[Sample] = []
    for unit in units:
        sample = found[unit[:2]]
        if isinstance(sample, str):
            rows[_name(unit)] = {"distance": None, "note": sample, "network_calls": 0.0}
        else:
            good.append(unit)
            samples.append(sample)
    drawn: list[tuple[Image, float]] = []
    while len(drawn) < len(good):
        done = len(drawn)
        drawn += room.fit(partial(task.pictures, good[done:], samples[done:]))
    best: dict[tuple[str, str], tuple[float, _Unit, Image]] = {}
    for unit, sample, (image, calls) in zip(good, samples, drawn, strict=True):
        distance = _distance(image, sample.image, task.scored)
        row: dict[str, Any] = {"distance": distance, "note": "", "network_calls": calls}
        row["contrast"] = _contrast(sample.image, task.scored)
        if distance is None:
            row["note"] = "The model drew numbers that are not finite."
        elif unit[:2] not in best or distance < best[unit[:2]][0]:
            best[unit[:2]] = (distance, unit, image)
        rows[_name(unit)] = row
    for _, unit, image in best.values():
        rows[_name(unit)]["picture"] = _picture(unit)
        write_image(folder / _picture(unit), image)
        if task.subjects.marked is None:
            truth = next(s for u, s in zip(good, samples, strict=True) if u == unit)
            write_image(folder / truth_of(*unit[:2]), truth.image)
    return rows


def _best_pictures(rows: Mapping[str, Any]) -> dict[str, str]:
    """The picture of the best draw of each image; the others go in the end."""
    best: dict[tuple[str, str], str] = {}
    for name, row in rows.items():
        if row.get("picture"):
            split, _, id = name.split(" ", 2)
            first = best.setdefault((split, id), name)
            if row["distance"] < rows[first]["distance"]:
                best[split, id] = name
    return {name: rows[name]["picture"] for name in best.values()}


def _load(subjects: Subjects, split: str, id: str) -> Sample | str:
    """An image, or what is wrong with it."""
    try:
        return subjects.sample(split, id)
    except BrokenImage as error:
        return str(error)


def _picture(unit: _Unit) -> str:
    split, id, draw = unit
    return f"pictures/{split}/{file_stem(id)}-{draw}.png"


def _distance(drawn: Image, truth: Image, scored: Mask) -> float | None:
    """The root mean square over the hidden half, in [0, 1]; None when it is not finite."""
    apart = (drawn - truth)[:, scored].double()
    return float(apart.square().mean().sqrt()) if bool(apart.isfinite().all()) else None


def _contrast(image: Image, scored: Mask) -> float:
    """The standard deviation round the mean of each channel: little of it is easy to draw."""
    shown = image[:, scored].double()
    return float((shown - shown.mean(1, keepdim=True)).square().mean().sqrt())


def _contents(subjects: Subjects) -> dict[tuple[str, str], str]:
    """The hash of each image's pixels, before it was marked where it was."""
    asked = [(split, id) for split in subjects.splits for id in subjects.ids(split)]
    if subjects.marked is not None:
        columns = (subjects.marked.keys[name].to_pylist() for name in ("id", "source_content"))
        known = dict(zip(*columns, strict=True))
        return {(split, id): known[id] for split, id in asked}
    samples = {unit: _load(subjects, *unit) for unit in asked}
    return {unit: one.content for unit, one in samples.items() if isinstance(one, Sample)}


def truth_of(split: str, id: str) -> str:
    """Where the picture itself lies, of an image that has no marked folder."""
    return f"pictures/truth/{split}/{file_stem(id)}.png"


def _box(where: Mask) -> list[int]:
    """The left, top, right and bottom of the smallest box round some pixels."""
    rows, columns = where.any(1).nonzero(), where.any(0).nonzero()
    left, top = int(columns.min()), int(rows.min())
    return [left, top, int(columns.max()) + 1, int(rows.max()) + 1]


def _write_evidence(run: Run, task: _Task, units: Sequence[_Unit], rows: Mapping[str, Any]) -> None:
    """One row an image, sorted; of its pictures only the best stays."""
    images: dict[tuple[str, str], list[_Unit]] = {}
    for unit in units:
        images.setdefault(unit[:2], []).append(unit)
    table = [
        _evidence_row(split, id, [rows[_name(unit)] for unit in drawn])
        for (split, id), drawn in sorted(images.items())
    ]
    contents = _contents(task.subjects)
    table = [row | {"content": contents.get((row["split"], row["id"]))} for row in table]
    write_rows(run.folder / "evidence.parquet", table, EVIDENCE)
    kept = {row.get("picture") for row in table}
    for picture in {row["picture"] for row in rows.values() if "picture" in row} - kept:
        (run.folder / picture).unlink(missing_ok=True)


def _evidence_row(split: str, id: str, draws: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    finite = [number for number, row in enumerate(draws) if row["distance"] is not None]
    calls = sum(row["network_calls"] for row in draws)
    found = {"split": split, "id": id, "draws": len(finite), "network_calls": calls}
    notes = sorted({row["note"] for row in draws if row["note"]})
    if not finite:
        return {**found, "status": "failed", "note": " ".join(notes)}
    best = min(finite, key=lambda number: draws[number]["distance"])
    lost = len(draws) - len(finite)
    return {
        **found,
        "distances": [draws[number]["distance"] for number in finite],
        "best_draw": best,
        "picture": draws[best]["picture"],
        "contrast": draws[best]["contrast"],
        "status": "ok",
        "note": f"{lost} of {len(draws)} draws were not finite." if lost else "",
    }
