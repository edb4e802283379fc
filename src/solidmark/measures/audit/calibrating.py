"""What the readers choose before anything is asked: once a run, on images of both halves."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from solidmark.data import Sample
from solidmark.diffusion import Metered
from solidmark.errors import BadInput
from solidmark.measures.audit.roundtrip import keep_round_trip
from solidmark.measures.audit.tasks import Opened, Task, load
from solidmark.readers import round_trip_passes
from solidmark.runs import Processes, Room, Run, Steps, progress, read_ours, write_ours
from solidmark.subjects import choose

REFERENCE = 64
"""How many images a reader is calibrated on."""


def calibrate(run: Run, opened: Opened, processes: Processes, room: Room) -> dict[str, Any]:
    """Lets each reader choose on reference images, once a run, and keeps what it chose."""
    path, tasks, question = run.folder / "calibration.json", opened.tasks, opened.question
    if processes.is_main and not path.is_file():
        references = _references(tasks, question.seed)
        most = max(references, key=lambda bucket: len(references[bucket]))
        found: dict[str, Any] = {}
        seen = False
        largest: tuple[Task, list[Sample], dict[str, Any]] | None = None
        asked = {task.about: task for task in tasks}
        total = {about: task.passes(len(references[task.bucket])) for about, task in asked.items()}
        with progress("calibrating the readers", sum(total.values())) as advance:
            steps = Steps(advance)
            for bucket, ids in references.items():
                several = [task for task in tasks if task.bucket == bucket]
                loaded = (load(opened.pictures, id) for id in ids)
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
        write_ours(path, found)
    processes.wait()
    cure = 'Remove it, then run the same "solidmark audit" again.'
    return read_ours(path, cure, **{task.about: dict for task in tasks})


def _references(tasks: Sequence[Task], seed: int) -> dict[str, list[str]]:
    """What the readers are calibrated on: some of the images that are asked about, by bucket."""
    asked: dict[str, set[str]] = {}
    for task in tasks:
        asked.setdefault(task.bucket, set()).update(id for id, _ in task.units)
    return {bucket: choose(sorted(ids), REFERENCE, seed) for bucket, ids in asked.items()}


def _keep_round_trip(
    folder: Path, task: Task, samples: Sequence[Sample], known: Mapping[str, Any], room: Room
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


def _choose_well(task: Task, samples: Sequence[Sample], steps: Steps, size: int) -> dict[str, Any]:
    """What a reader chooses on reference images, so many at a time."""
    steps.again()
    model = Metered(task.model, size, steps)
    return {**task.measure.calibrate(model, samples), "network_calls": model.calls}
