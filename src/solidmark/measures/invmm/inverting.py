"""`invert`: the slow half. Inverts every image, or as many as the budget is enough for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

from solidmark.control import look_at_control, sides_of
from solidmark.data import Sample, inventories
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.measures.invmm.budget import Budget
from solidmark.measures.invmm.configuration import InvMM
from solidmark.measures.invmm.inversion import Attempt, Inverter
from solidmark.measures.invmm.keeping import keep_attempt, write_tables
from solidmark.measures.invmm.live import Live, seconds_in
from solidmark.measures.invmm.slots import Slots, Task, rounds_of, task_name
from solidmark.measures.invmm.subjects import call_roll
from solidmark.measures.invmm.threshold import Threshold, calibrate
from solidmark.measures.invmm.triage import Order, require_audit, require_triage, triage
from solidmark.models import PromptSpace
from solidmark.models.footprint import room_for
from solidmark.randomness import digest
from solidmark.runs import (
    Ledger,
    Processes,
    Room,
    Run,
    Work,
    forget_peak,
    peak_memory_bytes,
    progress,
    read_ours,
    remove_temporaries,
    require_same,
    work_through,
    works_here,
    write_ours,
)
from solidmark.subjects import (
    TIE,
    Likeness,
    Subjects,
    embedder_of,
    keep_groups_of,
    open_likeness,
)

PRODUCTS = (
    *("evidence.parquet", "paths.parquet", "threshold.json", "calibration.json", "control.json"),
    *("attempts", "pictures"),
)
"""What a finished run is whole with."""

WORK = "work"
"""Where a run keeps what is on its way; gone when it is finished."""


@dataclass(frozen=True)
class _Opened:
    """What is open of a run, in whichever process."""

    asked: InvMM
    subjects: Subjects
    model: Model
    likeness: Likeness
    prompts: PromptSpace | None

    def inverter(self, threshold: float) -> Inverter:
        # Whoever asks for a likeness of 1 asks for copies, and their last digits may say less.
        inversion = replace(self.asked.inversion, threshold=min(threshold, 1 - TIE))
        alike = partial(_alike, self.subjects, self.likeness)
        return Inverter(self.model, inversion, alike, self.prompts)


@dataclass(frozen=True)
class _Away:
    """How another machine inverts.

    Arguments:
        threshold: From which likeness on a picture shows the image.
        prints: The fingerprints of the run.
    """

    asked: InvMM
    threshold: float
    prints: Mapping[str, str]

    def open(self, folder: Path, room: Room) -> Work[Task]:
        asked, subjects = self.asked, self.asked.open_subjects()
        likeness = open_likeness(asked.similarity, asked.opening.device)
        require_same(self.prints, asked.prints(subjects, likeness))
        model = asked.open_model(subjects)
        opened = _Opened(asked, subjects, model, likeness, asked.open_prompts(model))
        return partial(_attempts, folder, opened, opened.inverter(self.threshold), room)


def invert(asked: InvMM) -> Run:
    """Looks for the noise from which a model draws each image.

    Arguments:
        asked: The model, the images, and how.

    Returns:
        The run, with `evidence.parquet` and `paths.parquet` in its folder.

    Raises:
        BadInput: When model and images do not fit, or one image not into the memory.
        MissingCapability: When a prompt is to be found for a model that is told none.
    """
    subjects = asked.open_subjects()
    require_audit(asked, subjects)
    model = asked.open_model(subjects)
    likeness = open_likeness(asked.similarity, asked.opening.device)
    # What cannot be asked shows before a folder is made.
    prompts = asked.open_prompts(model)
    require_triage(asked, subjects, model)
    processes = Processes.here()
    (asked.budget or Budget()).require(asked.inversion.most_calls(), processes.count)
    run = asked.open_run(subjects, likeness)
    work = run.folder / WORK
    if run.finished:
        if processes.is_main:  # It may have been killed between its two last lines.
            rmtree(work, ignore_errors=True)
        return run
    processes.wait()  # What another one is writing into the folder must stay.
    if processes.is_main:
        below = [run.folder.glob(part) for part in (WORK, "attempts/*", "pictures/*")]
        for folder in (run.folder, *chain.from_iterable(below)):  # What a kill left behind.
            remove_temporaries(folder)
    forget_peak(asked.opening.device)
    device, size = asked.opening.device, subjects.size[1:]
    room = room_for(model, asked.call_size, device, [size], "network")
    threshold = _threshold(asked, run, subjects, likeness, processes)
    opened = _Opened(asked, subjects, model, likeness, prompts)
    inverter = opened.inverter(threshold.value)
    roll = call_roll(subjects)
    order = triage(asked, run, subjects, model, roll.units)
    queue: list[Task] = [
        (split, id, repeat) for repeat in range(asked.restarts) for split, id in order.units
    ]
    rows: Mapping[str, Any]
    if works_here() or asked.budget is not None:  # One process can count what is spent.
        rows = _work(asked, run, subjects, inverter, queue, order, processes, room)
    else:
        step = asked.batch_size
        rows = work_through(
            run,
            "inverting",
            [queue[first : first + step] for first in range(0, len(queue), step)],
            task_name,
            partial(_attempts, run.folder, opened, inverter, room),
            room,
            away=_Away(asked, threshold.value, run.manifest["fingerprints"]),
        )
    if processes.is_main:
        write_tables(run.folder, asked.restarts, roll, order, rows)
        look_at_control(run.folder, *sides_of(subjects), asked.seed, embedder_of(likeness))
        run.finish(
            *PRODUCTS,
            *keep_groups_of(run.folder, subjects),
            threshold=threshold.to_json(),
            similarity=likeness.card(),
            inventory=inventories(**subjects.data),
            excluded={id: note for (_, id), note in sorted(roll.excluded.items())},
            memory={
                "device": asked.opening.device,
                "peak_memory_bytes": peak_memory_bytes(asked.opening.device),
                "call_size": room.size,
            },
            seconds=round(sum(_seconds(work), _before(run)), 3),
        )
        rmtree(work, ignore_errors=True)  # Which depends on who did it.
    processes.wait()
    return run


def _alike(subjects: Subjects, likeness: Likeness, images: Any, others: Any) -> Any:
    """How alike pictures are without their frames, which are not what is memorized."""
    return likeness.pairs([*subjects.crop(images)], [*subjects.crop(others)])


def _threshold(
    asked: InvMM, run: Run, subjects: Subjects, likeness: Likeness, processes: Processes
) -> Threshold:
    """The threshold that was given, or one that is calibrated once a run."""
    path = run.folder / "threshold.json"
    if processes.is_main and not path.is_file():
        if asked.threshold is not None:
            found = Threshold(asked.threshold)
        else:
            found = calibrate(likeness, subjects, "trained", asked.fpr, asked.seed)
        write_ours(path, found.to_json())
    processes.wait()
    kept = read_ours(path, 'Remove it, then run the same "solidmark invmm" again.', value=float)
    kept.pop("version", None)  # Those of before have none.
    try:
        return Threshold(**kept)
    except TypeError as error:
        raise BadInput(f'"{path}" is not what "solidmark invmm" writes ({error}).') from error


def _work(
    asked: InvMM,
    run: Run,
    subjects: Subjects,
    inverter: Inverter,
    queue: Sequence[Task],
    order: Order,
    processes: Processes,
    room: Room,
) -> Mapping[str, Any]:
    """Makes the attempts, the first of every image before the second of any."""
    rounds = rounds_of(asked.inversion.steps, asked.inversion.every)
    mine = processes.share(queue)
    live = Live.open(run.folder / WORK, processes, _before(run))
    with (
        Ledger(run.folder / "ledger", processes.rank) as ledger,
        progress("inverting", rounds * len(mine)) as advance,
    ):
        Slots(
            inverter,
            subjects,
            mine,
            ledger,
            live,
            partial(_keep, run.folder, inverter),
            room,
            asked.batch_size,
            (asked.budget or Budget()).less(sum(order.calls.values())).share(processes.count),
            asked.seed,
            lambda count, note: advance(count, note),
        ).work()
        processes.wait()
        return ledger.rows()


def _attempts(
    folder: Path, opened: _Opened, inverter: Inverter, room: Room, batch: Sequence[Task]
) -> dict[str, Any]:
    """Makes some attempts to their end, side by side; what is on its way is kept by nobody."""
    asked = opened.asked
    with TemporaryDirectory() as scratch, Ledger(Path(scratch)) as ledger:
        live = Live(Path(scratch), 0)
        keep = partial(_keep, folder, inverter)
        slots = Slots(
            *(inverter, opened.subjects, batch, ledger, live, keep, room),
            *(len(batch), Budget(), asked.seed, lambda count, note: None),
        )
        slots.work()
        first = digest(0, *map(task_name, batch)).hex()[:16]
        write_ours(folder / WORK / f"time-{first}.json", {"seconds": live.seconds})
        return dict(ledger.rows())


def _keep(folder: Path, inverter: Inverter, attempt: Attempt, sample: Sample) -> dict[str, Any]:
    """Keeps an ended attempt, and the likeliest words of the prompt that it found."""
    words = None
    if attempt.logits is not None and inverter.prompts is not None:
        words = inverter.prompts.decode(attempt.logits.argmax(1))
    return keep_attempt(folder, words, attempt, sample)


def _before(run: Run) -> float:
    """The seconds of a finished run that has lost something and is made good."""
    return float(run.manifest.get("seconds", 0.0))


def _seconds(work: Path) -> list[float]:
    return [seconds_in(path) for path in work.glob("time-*.json")]
