"""`measure_signals`: the half that asks the model.

A signal of images asks about each image, with a generator of its own. A signal of prompts asks once
for each prompt, with a generator of the prompt, and all images that have it share the answer.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from solidmark.control import look_at_control, sides_of
from solidmark.data import Sample, inventories
from solidmark.diffusion import Metered, Model
from solidmark.errors import BrokenImage, MissingCapability
from solidmark.late import torch
from solidmark.measures.signals.configuration import Measuring
from solidmark.measures.signals.kinds import Signal
from solidmark.measures.signals.pictures import keep_pictures
from solidmark.measures.signals.reading import Unit, fact_name, read_images
from solidmark.models.footprint import room_for
from solidmark.randomness import generator
from solidmark.runs import (
    Processes,
    Room,
    Run,
    Work,
    forget_peak,
    memory_of,
    require_same,
    typed,
    work_through,
    write_rows,
)
from solidmark.subjects import Subjects, first_for, keep_groups_of

T = TypeVar("T")

EVIDENCE = pa.schema(
    [
        *typed(pa.string(), "signal", "split", "id"),
        *typed(pa.float64(), "value", "network_calls"),
        *typed(pa.string(), "status", "note", "prompt", "content"),
        ("contrast", pa.float64()),
    ]
)
"""The columns of `signals.parquet`: a row a signal, split and image, failed ones too."""

PRODUCTS = ("signals.parquet", "control.json", "pictures")
"""What a finished run is whole with."""

_Asked = tuple[str, str, str]
"""A signal, and the split and the id of the image that it asks about."""


@dataclass(frozen=True)
class _Task:
    """Everything that the answers depend on.

    Arguments:
        signals: By name, those that the model can be asked for.
        prompts: What the model is told of each image.
    """

    asked: Measuring
    subjects: Subjects
    model: Model
    signals: Mapping[str, Signal]
    prompts: Mapping[Unit, str | None]

    def answers(
        self, units: Sequence[_Asked], samples: Sequence[Sample], size: int
    ) -> list[tuple[float, float]]:
        """The values of the first `size` units, all of one signal, and the calls of each."""
        units, samples = units[:size], samples[:size]
        model = Metered(self.model, len(units))
        generators = [self._generator(unit) for unit in units]
        found = self.signals[units[0][0]].measure(model, samples, generators)
        return [(float(value), round(model.calls / len(units), 6)) for value in found]

    def whom(self, name: str) -> dict[Unit, _Asked]:
        """Who is asked for each image: itself, or the first image that has its prompt."""
        of_prompts = self.signals[name].card.per == "prompt"
        first: dict[Unit | str | None, Unit] = {}
        return {
            unit: (name, *first.setdefault(prompt if of_prompts else unit, unit))
            for unit, prompt in self.prompts.items()
        }

    def _generator(self, unit: _Asked) -> "torch.Generator":
        """Of the image, or of its prompt where the signal is of prompts."""
        name, split, id = unit
        of = str(self.prompts[split, id]) if self.signals[name].card.per == "prompt" else id
        return generator(self.asked.seed, of, purpose=f"signal {name}")


@dataclass(frozen=True)
class _Away:
    """How another machine measures.

    Arguments:
        prompts: What the model is told of each image.
        prints: The fingerprints of the run.
    """

    asked: Measuring
    prompts: Mapping[Unit, str | None]
    prints: Mapping[str, str]

    def open(self, folder: Path, room: Room) -> Work[_Asked]:
        subjects = self.asked.open_subjects()
        require_same(self.prints, self.asked.fingerprints(subjects))
        model = self.asked.open_model(subjects)
        signals, _ = able(self.asked.open_signals(), model, subjects)
        return partial(_measure, _Task(self.asked, subjects, model, signals, self.prompts), room)


def measure_signals(
    asked: Measuring, subjects: Subjects | None = None, model: Model | None = None
) -> Run:
    """Measures the signals of images.

    Arguments:
        asked: The model, the images, and the signals.
        subjects: The images, where they are open already.
        model: The model, where it is.

    Returns:
        The run, with `signals.parquet` in its folder, a row a signal and image, and pictures of the
        most suspicious images. The same call goes on with a folder that was not finished.

    Raises:
        BadInput: When model and images do not fit, or one image not into the memory.
        MissingCapability: When the model can be asked for none of the signals.
    """
    is_open = subjects is not None or model is not None
    subjects = asked.open_subjects() if subjects is None else subjects
    model = asked.open_model(subjects) if model is None else model
    signals, left_out = able(asked.open_signals(), model, subjects)
    run = asked.open_folder(subjects)
    if run.finished:
        return run
    forget_peak(asked.opening.device)
    room = room_for(model, asked.batch_size, asked.opening.device, [subjects.size[1:]])
    images = [(split, id) for split in subjects.splits for id in subjects.ids(split)]
    read = partial(read_images, subjects, model)
    rows = work_through(run, "reading", _parts(images, asked.batch_size), fact_name, read, room)
    known = {unit: rows[fact_name(unit)] for unit in images}
    prompts = {unit: facts["prompt"] for unit, facts in known.items() if "prompt" in facts}
    task = _Task(asked, subjects, model, signals, prompts)
    whom = {name: task.whom(name) for name in signals}
    batches = [
        part
        for name in signals
        for part in _parts(list(dict.fromkeys(whom[name].values())), asked.batch_size)
    ]
    away = None if is_open else _Away(asked, prompts, run.manifest["fingerprints"])
    measure = partial(_measure, task, room)
    rows = work_through(run, "measuring", batches, _name, measure, room, away=away)
    if Processes.here().is_main:
        table = [
            _row(name, unit, known[unit], whom[name].get(unit), rows)
            for name in signals
            for unit in sorted(known)
        ]
        _write(run, table)
        cards = {name: signal.card for name, signal in signals.items()}
        keep_pictures(run.folder, subjects, table, cards)
        look_at_control(run.folder, *sides_of(subjects), asked.seed)
        run.finish(
            *PRODUCTS,
            *keep_groups_of(run.folder, subjects),
            memory=memory_of(rows),
            signals={name: vars(card) for name, card in cards.items()},
            left_out=left_out,
            inventory=inventories(**subjects.data),
        )
    Processes.here().wait()
    return run


def able(
    signals: Sequence[Signal], model: Model, subjects: Subjects
) -> tuple[dict[str, Signal], dict[str, str]]:
    """The signals that a model can be asked for, and why it cannot be asked for the others.

    Raises:
        MissingCapability: When there is none.
    """
    sample = first_for(model, subjects)
    found: dict[str, Signal] = {}
    left_out: dict[str, str] = {}
    for signal in signals:
        try:
            signal.require(model, sample)
            found[signal.card.name] = signal
        except MissingCapability as error:
            left_out[signal.card.name] = str(error)
    if not found:
        name, reason = next(iter(left_out.items()))
        raise MissingCapability(f"The model can be asked for no such signal ({name}: {reason})")
    return found, left_out


def _parts(units: Sequence[T], size: int) -> list[Sequence[T]]:
    return [units[first : first + size] for first in range(0, len(units), size)]


def _name(unit: _Asked) -> str:
    return "signal " + " ".join(unit)


def _measure(task: _Task, room: Room, units: Sequence[_Asked]) -> dict[str, Any]:
    """Asks about a batch; all of its units are of one signal."""
    rows: dict[str, Any] = {}
    good: list[_Asked] = []
    samples: list[Sample] = []
    for unit in units:
        try:
            samples.append(task.subjects.sample(*unit[1:]))
            good.append(unit)
        except BrokenImage as error:  # It could be read before.
            rows[_name(unit)] = {"value": None, "network_calls": 0.0, "note": str(error)}
    found: list[tuple[float, float]] = []
    while len(found) < len(good):
        done = len(found)
        found += room.fit(partial(task.answers, good[done:], samples[done:]))
    for unit, (value, calls) in zip(good, found, strict=True):
        finite = math.isfinite(value)
        rows[_name(unit)] = {
            "value": value if finite else None,
            "network_calls": calls,
            "note": "" if finite else "The numbers of the model are not finite.",
        }
    return rows


def _row(
    name: str,
    unit: Unit,
    facts: Mapping[str, Any],
    asked: _Asked | None,
    rows: Mapping[str, Any],
) -> dict[str, Any]:
    """A row of the evidence; the calls stand with the image that was asked about."""
    answer: Mapping[str, Any] = {} if asked is None else rows[_name(asked)]
    own = asked == (name, *unit)
    value = answer.get("value")
    return {
        **{column: facts.get(column) for column in ("prompt", "content", "contrast")},
        "signal": name,
        "split": unit[0],
        "id": unit[1],
        "value": value,
        "network_calls": answer["network_calls"] if own else 0.0,
        "status": "failed" if value is None else "ok",
        "note": answer.get("note", facts.get("note", "")),
    }


def _write(run: Run, table: Sequence[Mapping[str, Any]]) -> None:
    write_rows(run.folder / "signals.parquet", table, EVIDENCE)
