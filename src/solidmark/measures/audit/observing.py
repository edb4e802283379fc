"""`observe`: the slow half. Asks the model about every image and keeps what it answers.

The work is cut into batches before it starts, and a batch is committed whole. So neither a kill,
nor a resume, nor the number of processes changes which images are asked together, and each image
has a generator of its own. Where the memory is too small for a batch it is asked about in parts,
whose answers are those of the batch.
"""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput, BrokenImage
from solidmark.marks import Marked, bucket_name, file_stem, write_image
from solidmark.measures.audit.knowing import keep_knowing
from solidmark.measures.audit.noting import notes_on
from solidmark.measures.audit.perturbing import keep_perturbed
from solidmark.measures.audit.question import Question
from solidmark.measures.audit.roundtrip import keep_round_trip
from solidmark.models.controls import ceiling_model, told_of
from solidmark.models.footprint import room_for
from solidmark.models.live import Live
from solidmark.perturbations import Perturbed
from solidmark.randomness import generator
from solidmark.readers import DESCENDING, Energy, Reader, round_trip_passes
from solidmark.runs import (
    VERSION,
    Processes,
    Room,
    Run,
    Steps,
    Work,
    forget_peak,
    memory_of,
    progress,
    read_ours,
    require_same,
    typed,
    work_through,
    write_json,
    write_rows,
)
from solidmark.subjects import Evidence, SolidMark, choose

CEILING = 256
"""How many training images the ceiling is measured on; it is a property of the reader."""

REFERENCE = 64
"""How many images a reader is calibrated on."""

PRODUCTS = (
    *("evidence.parquet", "calibration.json", "round_trip.json", "knowing.json"),
    "pictures",
)
"""What a finished audit is whole with; the scores and the page follow from it."""

EVIDENCE = pa.schema(
    [
        *typed(pa.string(), "reader", "split", "id"),
        ("repeat", pa.int64()),
        *typed(pa.list_(pa.float64()), "key_read", "candidates", "energies"),
        ("picture", pa.string()),
        ("path", pa.list_(pa.float64())),
        ("network_calls", pa.float64()),
        *typed(pa.string(), "status", "note"),
    ]
)
"""The columns of `evidence.parquet`."""
ADDED = ("path",)
"""Columns that evidence of before does not have."""
ONE_ROW = ("reader", "split", "id", "repeat")
"""What tells its rows apart."""


_Asked = tuple[str, int, Sample]
"""An image that is asked about: its id, which repeat, and as what it is shown."""


@dataclass(frozen=True)
class _Task:
    """One reader, one model, and the images to ask about, as (id, repeat); all of one size."""

    measure: SolidMark
    model: Model
    split: str
    units: list[tuple[str, int]]
    size: tuple[int, int]
    bucket: str = ""

    @property
    def reader(self) -> Reader:
        return self.measure.reader

    @property
    def about(self) -> str:
        """Whose calibration it uses: that of the model, or of the ceiling, and in which bucket."""
        asked = "ceiling" if self.split == "ceiling" else "model"
        return " ".join(filter(None, (self.reader.name, asked, self.bucket)))

    def passes(self, images: int) -> int:
        """How many images go through the model when the reader is calibrated on so many."""
        return self.reader.passes(images, self.measure.pattern, self.size)


_Unit = tuple[int, str, int]
"""A question to a model: the number of its task, the image's id, which repeat."""


@dataclass(frozen=True)
class _Opened:
    """What a question is answered with, in whichever process.

    Arguments:
        pictures: The images as the model is asked about them.
        tasks: All that is asked, in order.
    """

    question: Question
    pictures: Perturbed
    tasks: Sequence[_Task]

    @classmethod
    def of(cls, question: Question, marked: Marked, model: Model, room: Room) -> "_Opened":
        tasks = list(_tasks(question, marked, model, room))
        return cls(question, question.pictures(marked), tasks)

    def name(self, unit: _Unit) -> str:
        return _name(self.tasks[unit[0]], *unit[1:])


@dataclass(frozen=True)
class _Away:
    """How another machine asks.

    Arguments:
        calibrations: What the readers chose, by `_Task.about`.
        prints: The fingerprints of the run.
    """

    question: Question
    calibrations: Mapping[str, Any]
    prints: Mapping[str, str]

    def open(self, folder: Path, room: Room) -> Work[_Unit]:
        marked = self.question.open_images()
        require_same(self.prints, self.question.fingerprints(marked))
        opened = _Opened.of(self.question, marked, self.question.open_model(marked), room)
        return partial(_ask, folder, opened, self.calibrations, room)


def observe(question: Question, live: Live | None = None) -> Run:
    """Asks a model for the keys of marked images.

    Arguments:
        question: The model, the images, the readers, and how.
        live: The model, where a program has it open; that of the question is then its name alone.

    Returns:
        The run, with `evidence.parquet` in its folder.

    Raises:
        BadInput: When model and images do not fit, or one image not into the memory.
        WrongKeys: When the images are not those that the keys were written for.
    """
    marked = question.open_images()
    device = question.opening.device
    if live is None:
        model, run = question.open_model(marked), question.open_run(marked)
    else:
        model = question.fitted(live.model, marked)
        run = question.open_run(marked, live.hashes)
    if run.finished:
        return run
    processes = Processes.here()
    forget_peak(device)
    descending = any(isinstance(reader, DESCENDING) for reader in question.readers)
    room = room_for(
        model,
        question.batch_size,
        device,
        marked.marked_sizes,
        "images" if descending else "none",
    )
    opened = _Opened.of(question, marked, model, room)
    tasks = opened.tasks
    calibrations = _calibrate(run, opened, processes, room)
    if processes.is_main and "trained" in question.splits:
        ids = marked.largest(choose(marked.ids("trained"), question.limit, question.seed))
        keep_knowing(run.folder, marked, model, ids, question.seed, room)
    notes, shown = [], {}
    if processes.is_main:
        every = {id for task in tasks for id, _ in task.units}
        notes = notes_on(model, marked, sorted(every), question.seed, room)
        shown = keep_perturbed(run.folder, opened.pictures, sorted(every))
    processes.wait()
    prints = run.manifest["fingerprints"]
    rows = work_through(
        run,
        "asking the model",
        list(_batches(tasks, question.batch_size)),
        opened.name,
        partial(_ask, run.folder, opened, calibrations, room),
        room,
        away=None if live is not None else _Away(question, calibrations, prints),
    )
    if processes.is_main:
        _write_evidence(run.folder, tasks, rows)
        told = _told(marked, model, question)
        run.finish(*PRODUCTS, memory=memory_of(rows), told=told, notes=notes, **shown)
    processes.wait()
    return run


def _told(marked: Marked, model: Model, question: Question) -> str:
    """What the model is told of the images: it says who is a peer of whom."""
    for split in question.splits:
        for id in marked.ids(split):
            if (sample := _load(marked, id)) is not None:
                return told_of(model, sample)
    return "nothing"


def _tasks(question: Question, marked: Marked, model: Model, room: Room) -> Iterator[_Task]:
    """Every reader on every split, and on the ceiling."""
    trained = choose(marked.ids("trained"), question.limit, question.seed)
    ceiling_ids = choose(trained, CEILING, question.seed)
    ceiling = None
    if question.ceiling:
        with progress("encoding the images of the ceiling", len(ceiling_ids)) as advance:
            steps = Steps(advance)
            ceiling = room.fit(lambda size: ceiling_model(marked, ceiling_ids, model, size, steps))
            steps.end(len(ceiling_ids))
    sizes = {"": marked.marked_sizes[0], **{bucket_name(one): one for one in marked.marked_sizes}}
    for reader in question.readers:
        measure = SolidMark(reader, marked.pattern)
        for split in question.splits:
            ids = choose(marked.ids(split), question.limit, question.seed)
            for bucket, several in marked.by_bucket(ids).items():
                units = _repeated(several, question.repeats)
                yield _Task(measure, model, split, units, sizes[bucket], bucket)
        if ceiling is not None:
            for bucket, several in marked.by_bucket(ceiling_ids).items():
                units = _repeated(several, 1)
                yield _Task(measure, ceiling, "ceiling", units, sizes[bucket], bucket)


def _repeated(ids: Sequence[str], repeats: int) -> list[tuple[str, int]]:
    return [(id, repeat) for id in ids for repeat in range(repeats)]


def _batches(tasks: Sequence[_Task], size: int) -> Iterator[list[_Unit]]:
    for number, task in enumerate(tasks):
        units = [(number, id, repeat) for id, repeat in task.units]
        yield from (units[start : start + size] for start in range(0, len(units), size))


def _name(task: _Task, id: str, repeat: int) -> str:
    return f"{task.reader.name} {task.split} {repeat} {id}"


def _calibrate(run: Run, opened: _Opened, processes: Processes, room: Room) -> dict[str, Any]:
    """Lets each reader choose on reference images, once a run, and keeps what it chose."""
    path, tasks, question = run.folder / "calibration.json", opened.tasks, opened.question
    if processes.is_main and not path.is_file():
        references = _references(tasks, question.seed)
        most = max(references, key=lambda bucket: len(references[bucket]))
        found: dict[str, Any] = {}
        seen = False
        largest: tuple[_Task, list[Sample], dict[str, Any]] | None = None
        asked = {task.about: task for task in tasks}
        total = {about: task.passes(len(references[task.bucket])) for about, task in asked.items()}
        with progress("calibrating the readers", sum(total.values())) as advance:
            steps = Steps(advance)
            for bucket, ids in references.items():
                several = [task for task in tasks if task.bucket == bucket]
                loaded = (_load(opened.pictures, id) for id in ids)
                samples = [one for one in loaded if one is not None]
                for task in several:
                    if task.about not in found:
                        # Of a bucket of damaged images alone nothing is asked.
                        choose_well = partial(_choose_well, task, samples, steps)
                        found[task.about] = room.fit(choose_well) if samples else {}
                        steps.end(total[task.about])
                seen = seen or bool(samples)
                if bucket == most and samples:
                    largest = several[0], samples, {one.about: found[one.about] for one in several}
        if largest is not None:
            _keep_round_trip(run.folder, *largest, room)
        if not seen:
            raise BadInput(
                f'None of the images of "{question.marked}" can be read. Mark them again.'
            )
        write_json(path, {"version": VERSION, **found})
    processes.wait()
    cure = 'Remove it, then run the same "solidmark audit" again.'
    return read_ours(path, cure, **{task.about: dict for task in tasks})


def _references(tasks: Sequence[_Task], seed: int) -> dict[str, list[str]]:
    """What the readers are calibrated on: some of the images that are asked about, by bucket."""
    asked: dict[str, set[str]] = {}
    for task in tasks:
        asked.setdefault(task.bucket, set()).update(id for id, _ in task.units)
    return {bucket: choose(sorted(ids), REFERENCE, seed) for bucket, ids in asked.items()}


def _keep_round_trip(
    folder: Path, task: _Task, samples: Sequence[Sample], known: Mapping[str, Any], room: Room
) -> None:
    """Measures what the autoencoder makes of greys, as many images at a time as fit."""

    def keep(size: int) -> None:
        steps.again()
        model = Metered(task.model, size, steps)
        keep_round_trip(folder, task.measure, model, samples, known, task.bucket)

    is_known = any("round_trip" in chosen for chosen in known.values())
    total = 0 if is_known or task.model.factor == 1 else round_trip_passes(len(samples), task.size)
    if not total:
        return keep_round_trip(folder, task.measure, task.model, samples, known, task.bucket)
    with progress("measuring the round trip of the autoencoder", total) as advance:
        steps = Steps(advance)
        return room.fit(keep)


def _choose_well(task: _Task, samples: Sequence[Sample], steps: Steps, size: int) -> dict[str, Any]:
    """What a reader chooses on reference images, so many at a time."""
    steps.again()
    model = Metered(task.model, size, steps)
    return {**task.measure.calibrate(model, samples), "network_calls": model.calls}


def _load(marked: Marked | Perturbed, id: str) -> Sample | None:
    try:
        return marked.sample(id)
    except BrokenImage:
        return None


def _ask(
    folder: Path,
    opened: _Opened,
    calibrations: Mapping[str, Any],
    room: Room,
    batch: Sequence[_Unit],
) -> dict[str, Any]:
    """Asks about one batch. An image that cannot be read is a failed row; the rest goes on."""
    task, seed = opened.tasks[batch[0][0]], opened.question.seed
    calibration = calibrations[task.about]
    rows: dict[str, Any] = {}
    good: list[_Asked] = []
    for _, id, repeat in batch:
        try:
            good.append((id, repeat, opened.pictures.sample(id, repeat)))
        except BrokenImage as error:
            rows[_name(task, id, repeat)] = {"status": "failed", "note": str(error)}
    answers: list[tuple[Evidence, float]] = []
    while len(answers) < len(good):
        answers += room.fit(partial(_answers, task, good[len(answers) :], seed, calibration))
    for (id, repeat, _), (answer, calls) in zip(good, answers, strict=True):
        row = _row(folder, task, id, repeat, answer)
        rows[_name(task, id, repeat)] = {**row, "network_calls": calls}
    return rows


def _answers(
    task: _Task, good: Sequence[_Asked], seed: int, calibration: Mapping[str, Any], size: int
) -> list[tuple[Evidence, float]]:
    """The answers about the first `size` images, each with the network calls that it cost."""
    part = good[:size]
    model = Metered(task.model, len(part))
    answers = task.measure.observe(
        model,
        [sample for _, _, sample in part],
        [generator(seed, id, repeat, task.reader.name) for id, repeat, _ in part],
        calibration,
    )
    # Rounded, so that 2.3 calls an image are 2.3 however many were asked about together.
    return [(answer, round(model.calls / len(part), 6)) for answer in answers]


def _row(folder: Path, task: _Task, id: str, repeat: int, answer: Evidence) -> dict[str, Any]:
    """One row of evidence; its picture is on disk before the row is."""
    if not all(abs(value) <= 1 for value in answer.key_read):
        return {"status": "failed", "note": "The model answered with numbers that are not finite."}
    row: dict[str, Any] = {"status": "ok", "note": "", "key_read": answer.key_read}
    if answer.energies is not None:
        row["energies"] = answer.energies
        if isinstance(task.reader, Energy):
            row["candidates"] = task.reader.grid.tolist()
    if answer.path is not None:
        row["path"] = answer.path
    if answer.picture is not None:
        stem = f"{file_stem(id)}-{repeat}"
        row["picture"] = f"pictures/{task.reader.name}/{task.split}/{stem}.png"
        write_image(folder / row["picture"], answer.picture)
    return row


def _write_evidence(folder: Path, tasks: Sequence[_Task], rows: Mapping[str, Any]) -> None:
    """Puts the rows of all processes into one table, sorted, the same however they came."""
    parts: dict[tuple[str, str], list[_Task]] = {}
    for task in tasks:
        parts.setdefault((task.reader.name, task.split), []).append(task)
    table = (
        {"reader": reader, "split": split, "id": id, "repeat": repeat}
        | rows[_name(several[0], id, repeat)]
        for (reader, split), several in sorted(parts.items())
        # The images of each bucket are sorted.
        for id, repeat in heapq.merge(*(task.units for task in several))
    )
    write_rows(folder / "evidence.parquet", table, EVIDENCE)
