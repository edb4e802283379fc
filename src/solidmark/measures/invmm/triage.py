"""Triage: which images are inverted first, so that a budget is spent on the most suspicious.

Trained and held-out images are ranked together, and nothing that ranks them knows the split. So an
image that the model does not know is chosen as often whether it was held out or not, and the two
can be compared among those that were chosen. Ties are broken by chance, under the seed.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc

from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput, BrokenImage
from solidmark.late import torch
from solidmark.measures.invmm.configuration import InvMM
from solidmark.measures.invmm.subjects import Unit
from solidmark.measures.signals.kinds import SIGNALS, open_signals, suspicion
from solidmark.models.footprint import room_for
from solidmark.randomness import generator, uniform
from solidmark.readers import Energy, default_reader
from solidmark.runs import (
    Processes,
    Room,
    Run,
    Steps,
    Work,
    progress,
    read_ours,
    read_table,
    require_same,
    require_scored,
    work_through,
    write_ours,
)
from solidmark.scores import SCORES, p_values
from solidmark.subjects import SolidMark, Subjects, first_for, open_likeness

REFERENCE = 64
"""How many images a reader is calibrated on."""


@dataclass(frozen=True)
class Order:
    """Who comes when.

    Arguments:
        units: The images, most suspicious first.
        value: What each was ranked by, low = suspicious; none for the triage `none`.
        calls: The network calls of the triage, by image.
    """

    units: list[Unit]
    value: dict[Unit, float]
    calls: dict[Unit, float]


def require_audit(asked: InvMM, subjects: Subjects) -> None:
    """Checks that there is the audit by which images are ranked, before a model is opened.

    Raises:
        NotFound: When there is no such audit.
        BadInput: When it is not of these images.
    """
    if asked.audit is not None:
        _audited(asked.audit, [(one, id) for one in subjects.splits for id in subjects.ids(one)])


def require_triage(asked: InvMM, subjects: Subjects, model: Model) -> None:
    """Checks that a model has what the images are ranked by, before anything is written.

    Raises:
        MissingCapability: When the model lacks what a signal needs.
    """
    if asked.triage in SIGNALS:
        (signal,) = open_signals([asked.triage])
        signal.require(model, first_for(model, subjects))


def triage(
    asked: InvMM, run: Run, subjects: Subjects, model: Model, units: Sequence[Unit]
) -> Order:
    """Ranks the images. The rows go to the ledger, so that a killed triage goes on.

    Arguments:
        units: The images to rank, by split and id.

    Raises:
        NotFound: When there is no such audit.
        BadInput: When it is not of these images.
    """
    rows: Mapping[Unit, Mapping[str, Any]] = {}
    if asked.audit is not None:
        rows = {unit: {"value": p} for unit, p in _audited(asked.audit, units).items()}
    elif asked.triage != "none":
        rows = _measured(asked, run, subjects, model, units)
    value = {unit: row["value"] for unit, row in rows.items() if row["value"] is not None}
    calls = {unit: row.get("network_calls", 0.0) for unit, row in rows.items()}

    def place(unit: Unit) -> tuple[float, float]:
        return value.get(unit, math.inf), uniform(asked.seed, "triage", *unit)

    return Order(sorted(units, key=place), value, calls)


def _measured(
    asked: InvMM, run: Run, subjects: Subjects, model: Model, units: Sequence[Unit]
) -> dict[Unit, Mapping[str, Any]]:
    """What the model says of each image, in batches that survive a kill."""
    room = room_for(
        model,
        asked.batch_size,
        asked.opening.device,
        [subjects.size[1:]],
        "images" if asked.triage == "solidmark" else "none",
    )
    calibration = None
    if asked.triage in ("solidmark", "energy"):
        calibration = _calibrated(asked, run, subjects, model, units, room)
    size = asked.batch_size
    mixed = sorted(units, key=lambda unit: uniform(asked.seed, "triage batch", *unit))
    batches = [mixed[start : start + size] for start in range(0, len(mixed), size)]
    asking = _Asking(asked, subjects, model, calibration, len(units))
    away = _Away(asked, calibration, len(units), run.manifest["fingerprints"])
    rows = work_through(
        run, "triage", batches, _name, partial(_rank, asking, room), room, away=away
    )
    return {unit: rows[_name(unit)] for unit in units}


@dataclass(frozen=True)
class _Asking:
    """What images are ranked with, in whichever process.

    Arguments:
        calibration: What the reader chose; None for a signal.
        count: How many images there are to rank.
    """

    asked: InvMM
    subjects: Subjects
    model: Model
    calibration: Mapping[str, Any] | None
    count: int

    @cached_property
    def keys(self) -> dict[str, list[float]]:
        assert self.subjects.marked is not None  # The configuration has looked.
        return {row["id"]: row["key"] for row in self.subjects.marked.keys.to_pylist()}

    def values(self, part: Sequence[tuple[Unit, Sample]]) -> tuple[Sequence[float], float]:
        """What some images are ranked by, low = suspicious, and what it cost."""
        meter = Metered(self.model, len(part))
        samples = [sample for _, sample in part]
        generators = _generators(self.asked.seed, part)
        if self.calibration is None:  # A cheap signal.
            (signal,) = open_signals([self.asked.triage])
            values = signal.measure(meter, samples, generators)
            return suspicion(signal.card, values.numpy()).tolist(), meter.calls
        # How unlikely it is to read a key so well.
        measure = _reader(self.asked, self.subjects)
        answers = measure.observe(meter, samples, generators, self.calibration)
        read = np.array([answer.key_read for answer in answers], dtype=np.float64)
        key = np.array([self.keys[id] for (_, id), _ in part], dtype=np.float64)
        return p_values(np.abs(key - read).mean(axis=1), read).tolist(), meter.calls


@dataclass(frozen=True)
class _Away:
    """How another machine ranks.

    Arguments:
        calibration: As of `_Asking`.
        count: The same.
        prints: The fingerprints of the run.
    """

    asked: InvMM
    calibration: Mapping[str, Any] | None
    count: int
    prints: Mapping[str, str]

    def open(self, folder: Path, room: Room) -> Work[Unit]:
        asked, subjects = self.asked, self.asked.open_subjects()
        likeness = open_likeness(asked.similarity, asked.opening.device)
        require_same(self.prints, asked.prints(subjects, likeness))
        model = asked.open_model(subjects)
        return partial(_rank, _Asking(asked, subjects, model, self.calibration, self.count), room)


def _rank(asking: _Asking, room: Room, batch: Sequence[Unit]) -> dict[str, Any]:
    """The rows of a batch."""
    rows: dict[str, Any] = {}
    good: list[tuple[Unit, Sample]] = []
    for unit in batch:
        try:
            good.append((unit, asking.subjects.sample(*unit)))
        except BrokenImage:
            rows[_name(unit)] = {"value": None}
    done = 0
    while done < len(good):
        part = room.fit(partial(_part, asking, good[done:]))
        rows |= part
        done += len(part)
        _require_left(asking.asked, part, asking.count)
    return rows


def _require_left(asked: InvMM, part: Mapping[str, Any], count: int) -> None:
    """Fails where the triage, going on like this, would leave too little of the budget."""
    budget = asked.budget
    if budget is None or budget.calls is None:
        return
    each = max(row["network_calls"] for row in part.values())
    if budget.calls < each * count + asked.inversion.most_calls() * Processes.here().count:
        raise BadInput(
            f"The triage of {count:,} images takes about {each * count:,.0f} network calls, and "
            f"--budget {budget.calls:,.0f} would leave too few to invert one. Give a larger one, "
            "--triage none, or --limit, into a new folder."
        )


def _part(asking: _Asking, good: Sequence[tuple[Unit, Sample]], size: int) -> dict[str, Any]:
    """The rows of the first `size` images."""
    part = good[:size]
    values, calls = asking.values(part)
    return {
        _name(unit): {"value": _finite(value), "network_calls": round(calls / len(part), 6)}
        for (unit, _), value in zip(part, values, strict=True)
    }


def _name(unit: Unit) -> str:
    return f"triage {unit[0]} {unit[1]}"


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


def _generators(seed: int, part: Sequence[tuple[Unit, Sample]]) -> "list[torch.Generator]":
    return [generator(seed, id, 0, f"triage {split}") for (split, id), _ in part]


def _reader(asked: InvMM, subjects: Subjects) -> SolidMark:
    """How the keys of the images are read."""
    assert subjects.marked is not None  # The configuration has looked.
    pattern = subjects.marked.pattern
    return SolidMark(Energy() if asked.triage == "energy" else default_reader(pattern), pattern)


def _calibrated(
    asked: InvMM, run: Run, subjects: Subjects, model: Model, units: Sequence[Unit], room: Room
) -> dict[str, Any]:
    """What a reader has chosen on some images, once a run."""
    path, processes = run.folder / "calibration.json", Processes.here()
    if processes.is_main and not path.is_file():
        chosen = sorted(units, key=lambda unit: uniform(asked.seed, "reference", *unit))
        samples = [subjects.sample(*unit) for unit in chosen[:REFERENCE]]
        measure = _reader(asked, subjects)

        def choose(size: int) -> Mapping[str, Any]:
            steps.again()
            return measure.calibrate(Metered(model, size, steps), samples)

        total = measure.reader.passes(len(samples), measure.pattern, subjects.size[1:])
        with progress("calibrating the triage", total) as advance:
            steps = Steps(advance)
            found = room.fit(choose)
        write_ours(path, found)
    processes.wait()
    return read_ours(path, 'Remove it, then run the same "solidmark invmm" again.')


def _audited(folder: Path, units: Sequence[Unit]) -> dict[Unit, float]:
    """The p-values of an audit, by split and id: those of its first reader, repeats averaged."""
    path = folder / "scores.parquet"
    wanted = {name: SCORES.field(name).type for name in ("reader", "split", "id", "p_value")}
    table = read_table(path, wanted, 'Name a finished folder of "solidmark audit".')
    require_scored(folder, path.name)
    table = table.filter(pc.is_valid(table["p_value"]))
    readers = sorted(pc.unique(table["reader"]).to_pylist())
    own = table.filter(pc.equal(table["reader"], readers[0])) if readers else table
    means = own.group_by(["split", "id"]).aggregate([("p_value", "mean")]).to_pylist()
    found = {(row["split"], row["id"]): float(row["p_value_mean"]) for row in means}
    known = {unit: found[unit] for unit in units if unit in found}
    if not known:
        raise BadInput(f'"{folder}" scores none of these images. Name an audit of them.')
    return known
