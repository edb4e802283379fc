"""Runs studies: makes what their arms need, reads them out at every seed, writes a table each."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from solidmark.runs import (
    Figure,
    Results,
    Run,
    Verdict,
    open_results,
    open_run,
    write_json,
    write_results,
)
from solidmark.studies.combining import by_seed, differences, over_seeds
from solidmark.studies.saying import headline, told_apart
from solidmark.studies.stage import Command, Stage
from solidmark.studies.study import Arm, Made, Readout, Setting, Study
from solidmark.studies.work import Work

Sized = tuple[Study, Setting]
"""A study, and at what size."""

STAGES = "stages"
"""Where the folders of all stages of all studies lie, beside those of the studies."""

PICTURES, CAPTIONS = "pictures", "captions.json"
SHOWN = 4
"""So many pictures show what an arm is."""


def run_studies(
    asked: Sequence[Sized], out: Path, commands: Mapping[str, Command], workers: int = 1
) -> Iterator[Results]:
    """Runs studies, or goes on with them: first the stages of all, then what is read of each.

    Arguments:
        asked: The studies, and their sizes.
        out: Where studies lie: `NAME/` with the results, and `stages/`, which they share.
        commands: The commands that their stages call, by name.
        workers: How many processes make the stages.

    Returns:
        The results of each: a figure for each arm and read-out at every seed, over all seeds, and
        as a difference from the first arm.

    Raises:
        RunConflict: When `out/NAME` holds the study at another size.
    """
    runs = [_open(study, setting, out) for study, setting in asked]
    work = Work(out / STAGES, commands, workers)
    work.make(
        one
        for (study, setting), run in zip(asked, runs, strict=True)
        if not run.finished
        for one in _stages(_arms(study, setting))
    )
    for (study, setting), run in zip(asked, runs, strict=True):
        if not run.finished:
            _read_out(study, setting, run, work)
        yield open_results(run.folder)


def _open(study: Study, setting: Setting, out: Path) -> Run:
    config = {"study": study.name, **_plain(asdict(setting)), "seed": setting.seeds[0]}
    return open_run(out / study.name, "study", config)


def _arms(study: Study, setting: Setting) -> dict[int, tuple[Arm, ...]]:
    return {seed: tuple(study.arms(setting, seed)) for seed in setting.seeds}


def _stages(arms: Mapping[int, Sequence[Arm]]) -> list[Stage]:
    return [one for some in arms.values() for arm in some for one in arm.stages.values()]


def _read_out(study: Study, setting: Setting, run: Run, work: Work) -> None:
    """Reads out what was made for the arms of a study, and writes its results."""
    arms = _arms(study, setting)
    every: list[Figure] = []
    combined: dict[tuple[str, str], list[Figure]] = {}
    for number, arm in enumerate(arms[setting.seeds[0]]):
        for readout in study.readouts:
            figures = [
                _read(study, readout, arms[seed][number], work.of(arms[seed][number], seed))
                for seed in setting.seeds
            ]
            if all(one is None for one in figures):
                continue
            known = [one or _missing(study, readout, arm) for one in figures]
            combined[arm.name, readout.name] = known
            every += [*by_seed(known, setting.seeds), over_seeds(known)]
    every += _differences(study, combined)
    first = setting.seeds[0]
    _keep_pictures(arms[first], work, first, run.folder)
    cost = work.cost(_stages(arms))
    said = Verdict("done", headline(study, every), "done", told_apart(study, every))
    write_results(
        run.folder,
        run.manifest,
        every,
        failed=sum(one.failed for one in every if one.other is None and one.by != "all seeds"),
        verdict=said,
        seconds=cost.seconds,
        stages=cost.stages,
        weights=list(cost.weights),
    )
    run.finish("results.json", PICTURES)


def _read(study: Study, readout: Readout, arm: Arm, made: Made) -> Figure | None:
    found = readout.read(made)
    return None if found is None else _named(found, study, readout, arm)


def _missing(study: Study, readout: Readout, arm: Arm) -> Figure:
    return _named(Figure(measure="", statistic="", split="", n=0), study, readout, arm)


def _named(one: Figure, study: Study, readout: Readout, arm: Arm) -> Figure:
    level = {} if arm.level is None else {"level": arm.level}
    return replace(
        one,
        measure=study.name,
        statistic=readout.name,
        split=arm.name,
        unit=readout.unit,
        direction=readout.direction,
        facts={**one.facts, **level},
    )


def _differences(
    study: Study, combined: Mapping[tuple[str, str], Sequence[Figure]]
) -> Iterator[Figure]:
    """Every arm less the first, in every read-out that both have."""
    arms = list(dict.fromkeys(arm for arm, _ in combined))
    for readout in study.readouts:
        first = combined.get((arms[0], readout.name))
        for arm in arms[1:]:
            second = combined.get((arm, readout.name))
            if first and second:
                found = differences(first, second)
                if found is not None:
                    yield found


def _keep_pictures(arms: Sequence[Arm], work: Work, seed: int, folder: Path) -> None:
    """Copies the pictures that show what an arm is, numbered like the arms, and their captions."""
    (folder / PICTURES).mkdir(exist_ok=True)
    told: dict[str, str] = {}
    for number, arm in enumerate(arms):
        if arm.pictures is None:
            continue
        name, pattern = arm.pictures
        captions = _captions(work.of(arm, seed)[name])
        for place, path in enumerate(sorted(work.of(arm, seed)[name].glob(pattern))[:SHOWN]):
            shutil.copyfile(path, folder / PICTURES / f"{number}-{place}.png")
            told[f"{number}-{place}.png"] = captions.get(path.name, "")
    write_json(folder / PICTURES / CAPTIONS, told)


def _captions(folder: Path) -> dict[str, str]:
    """What the pictures of an image folder were drawn from, by their file names."""
    path = folder / "metadata.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.is_file() else []
    rows = map(json.loads, lines)
    return {Path(row["file_name"]).name: str(row.get("text") or "") for row in rows}


def _plain(value: Any) -> Any:
    """As JSON has it: what is no number or text is told by its name."""
    if isinstance(value, Mapping):
        return {str(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value if isinstance(value, str | int | float | bool | None) else repr(value)
