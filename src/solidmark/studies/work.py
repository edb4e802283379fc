"""Makes the stages of a study, each once, those that do not wait for one another at a time."""

import multiprocessing
import os
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from solidmark.errors import BadInput, SolidmarkError
from solidmark.runs import progress, read_json, remove_temporaries, write_json
from solidmark.runs.progress import Advance
from solidmark.studies.stage import Command, Stage, make
from solidmark.studies.study import Arm, Made


@dataclass(frozen=True)
class Kept:
    """What stands beside the folder of a stage.

    Arguments:
        options: Its options, as they are written.
        seconds: How long it took a core when it was made; nothing is added when it is only
            verified.
    """

    what: str
    options: Mapping[str, str]
    seconds: float


@dataclass(frozen=True)
class Cost:
    """What the stages of a study have cost, whoever else shares them.

    Arguments:
        seconds: Of a core.
        stages: How many there are.
        weights: How many weights the networks have that were trained, each number once.
    """

    seconds: float
    stages: int
    weights: tuple[int, ...]


@dataclass
class Work:
    """The stages of one study or of several, which share what they ask for alike.

    Arguments:
        workers: How many processes make them; the rows are the same.
        took: How long each stage took a core when it was made; those that are here are not made
            again, nor verified.
    """

    root: Path
    commands: Mapping[str, Command]
    workers: int = 1
    took: dict[Stage, float] = field(default_factory=dict)

    def make(self, asked: Iterable[Stage]) -> None:
        """Makes some stages, and before them those that they need.

        Raises:
            SolidmarkError: What a command refused; the stages that are made stay.
        """
        todo = [one for one in _with_needs(asked) if one not in self.took]
        if not todo:
            return
        remove_temporaries(self.root, dead=True)  # What a kill left beside the stages.
        with progress("stages of the study", len(todo)) as advance:
            if self.workers == 1:
                for one in todo:
                    self._done(one, _timed(one, self.root, self.commands), advance)
            else:
                self._together(todo, advance)

    def of(self, arm: Arm, seed: int) -> Made:
        """What was made for an arm."""
        made = {name: self.root / one.folder / one.part for name, one in arm.stages.items()}
        return Made(made, arm.of, seed)

    def cost(self, asked: Iterable[Stage]) -> Cost:
        """What some stages and those that they need have cost."""
        every = _with_needs(asked)
        trained = {self.root / one.folder for one in every if one.name == "train"}
        seconds = sum(self.took[one] for one in every)
        return Cost(round(seconds, 1), len(every), tuple(sorted(set(_weights(trained)))))

    def _together(self, todo: Sequence[Stage], advance: Advance) -> None:
        """The same by several processes: a stage is begun when those that it needs are made."""
        left = {one: set(_with_needs([one])) - {one} - self.took.keys() for one in todo}
        running: dict[Future[float | str], Stage] = {}
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(self.workers, context, initializer=_alone) as pool:
            try:
                while left or running:
                    for one in [one for one, needs in left.items() if not needs]:
                        del left[one]
                        running[pool.submit(_told, one, self.root, self.commands)] = one
                    ended, _ = wait(running, return_when=FIRST_COMPLETED)
                    for future in ended:
                        one, found = running.pop(future), future.result()
                        if isinstance(found, str):
                            raise BadInput(found)
                        self._done(one, found, advance)
                        for needs in left.values():
                            needs.discard(one)
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _done(self, one: Stage, took: float, advance: Advance) -> None:
        kept = self.root / f"{one.folder}.json"
        before = read_json(kept) if kept.is_file() else None
        if isinstance(before, dict):
            took = float(before.get("seconds", took))
        else:
            options = {name: repr(value)[:200] for name, value in one.options}
            write_json(kept, asdict(Kept(one.name, options, round(took, 2))))
        self.took[one] = took
        advance(1, one.folder)


def _with_needs(asked: Iterable[Stage]) -> list[Stage]:
    """Whole stages, each once and behind those that it needs."""
    every = (one for some in asked for one in (*some.before(), some))
    return list(dict.fromkeys(replace(one, part="") for one in every))


def _timed(one: Stage, root: Path, commands: Mapping[str, Command]) -> float:
    start = time.process_time()  # Of a core, whatever else this machine does meanwhile.
    make(one, root, commands)
    return time.process_time() - start


def _told(one: Stage, root: Path, commands: Mapping[str, Command]) -> float | str:
    """The seconds that it took, or why it was refused: not every error survives the way back."""
    try:
        return _timed(one, root, commands)
    except SolidmarkError as error:
        return str(error)


def _alone() -> None:
    """A process beside others: one thread, and no progress that would run through theirs."""
    os.environ["OMP_NUM_THREADS"] = "1"  # Before torch is imported, which reads it.
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _weights(folders: set[Path]) -> Iterator[int]:
    for folder in folders:
        path = folder / "manifest.json"
        manifest = read_json(path) if path.is_file() else None
        if isinstance(manifest, dict) and isinstance(manifest.get("parameters"), int):
            yield manifest["parameters"]
