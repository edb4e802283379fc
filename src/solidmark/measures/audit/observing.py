"""`observe`: the slow half. Asks the model about every image and keeps what it answers.

The work is cut into batches before it starts, and a batch is committed whole. So neither a kill,
nor a resume, nor the number of processes changes which images are asked together, and each image
has a generator of its own. Where the memory is too small for a batch it is asked about in parts,
whose answers are those of the batch.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import BrokenImage
from solidmark.marks import Marked
from solidmark.measures.audit.calibrating import calibrate
from solidmark.measures.audit.evidence import row_of, write_evidence
from solidmark.measures.audit.knowing import keep_knowing
from solidmark.measures.audit.noting import notes_on
from solidmark.measures.audit.perturbing import keep_perturbed
from solidmark.measures.audit.question import Question
from solidmark.measures.audit.tasks import Opened, Task, Unit, batches_of, load, name_of
from solidmark.models.controls import told_of
from solidmark.models.footprint import room_for
from solidmark.models.live import Live
from solidmark.randomness import generator
from solidmark.readers import DESCENDING
from solidmark.runs import (
    Processes,
    Room,
    Run,
    Work,
    forget_peak,
    memory_of,
    require_same,
    work_through,
)
from solidmark.subjects import Evidence, choose

PRODUCTS = (
    *("evidence.parquet", "calibration.json", "round_trip.json", "knowing.json"),
    "pictures",
)
"""What a finished audit is whole with; the scores and the page follow from it."""

_Asked = tuple[str, int, Sample]
"""An image that is asked about: its id, which repeat, and as what it is shown."""


@dataclass(frozen=True)
class _Away:
    """How another machine asks.

    Arguments:
        calibrations: What the readers chose, by `Task.about`.
        prints: The fingerprints of the run.
    """

    question: Question
    calibrations: Mapping[str, Any]
    prints: Mapping[str, str]

    def open(self, folder: Path, room: Room) -> Work[Unit]:
        marked = self.question.open_images()
        require_same(self.prints, self.question.fingerprints(marked))
        opened = Opened.of(self.question, marked, self.question.open_model(marked), room)
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
    opened = Opened.of(question, marked, model, room)
    tasks = opened.tasks
    calibrations = calibrate(run, opened, processes, room)
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
        list(batches_of(tasks, question.batch_size)),
        opened.name,
        partial(_ask, run.folder, opened, calibrations, room),
        room,
        away=None if live is not None else _Away(question, calibrations, prints),
    )
    if processes.is_main:
        write_evidence(run.folder, tasks, rows)
        told = _told(marked, model, question)
        run.finish(*PRODUCTS, memory=memory_of(rows), told=told, notes=notes, **shown)
    processes.wait()
    return run


def _told(marked: Marked, model: Model, question: Question) -> str:
    """What the model is told of the images: it says who is a peer of whom."""
    for split in question.splits:
        for id in marked.ids(split):
            if (sample := load(marked, id)) is not None:
                return told_of(model, sample)
    return "nothing"


def _ask(
    folder: Path,
    opened: Opened,
    calibrations: Mapping[str, Any],
    room: Room,
    batch: Sequence[Unit],
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
            rows[name_of(task, id, repeat)] = {"status": "failed", "note": str(error)}
    answers: list[tuple[Evidence, float]] = []
    while len(answers) < len(good):
        answers += room.fit(partial(_answers, task, good[len(answers) :], seed, calibration))
    for (id, repeat, _), (answer, calls) in zip(good, answers, strict=True):
        row = row_of(folder, task, id, repeat, answer)
        rows[name_of(task, id, repeat)] = {**row, "network_calls": calls}
    return rows


def _answers(
    task: Task, good: Sequence[_Asked], seed: int, calibration: Mapping[str, Any], size: int
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
