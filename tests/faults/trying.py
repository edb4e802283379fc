"""Runs a command line in a process of its own, and looks at what a folder holds."""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import forking
import torch

from solidmark.cli import main
from solidmark.cli.problems import explain_system
from solidmark.errors import SolidmarkError
from solidmark.models.averages import Average
from solidmark.reporting import write_report
from solidmark.studies.engine import run_studies
from solidmark.studies.study import Readout, Setting, Study

from .stages import STUDY, Stage

ASIDE = ".set-aside"
STATES = "checkpoints"
"""Where a training keeps what it goes on from: an interrupt leaves a state of its own there."""
MEASURED = ("manifest.json", "results.json", "state.json")
OWN = ("memory", "files", "checksum", "seconds", "peak_memory_bytes")
"""What these files say of their own process, and the hash of a list that such a thing is in."""
LONGEST = 120
CLOCK = "SOLIDMARK_FAULTS_CLOCK"
"""The seed of a clock that jumps, in the environment of a process that has one."""
SPEECHLESS = "SOLIDMARK_FAULTS_SPEECHLESS"
"""The number of the caption to which the averages of captions have no numbers, the same way."""
ENVIRONMENT = {"SOLIDMARK_CACHE": "cache", "COLUMNS": "100"}


@dataclass(frozen=True)
class Answer:
    """How a command line ended: its exit code (a signal is negative), what it said, how long."""

    code: int
    out: str
    err: str
    seconds: float

    @property
    def fell(self) -> bool:
        """Whether it ended with a traceback, or never did."""
        return "Traceback" in self.err or self.code not in (0, 2, 3, 130, -9, -15)

    @property
    def refusal(self) -> str | None:
        """The one line that it was refused by."""
        lines = [line for line in self.err.splitlines() if line.startswith("Error: ")]
        return lines[-1] if self.code == 2 and len(lines) == 1 and not self.fell else None


def last(answer: Answer) -> str:
    """The last line of what a command says goes wrong."""
    return (answer.err.strip().splitlines() or ["no end"])[-1]


@dataclass(frozen=True)
class Bench:
    """A stage, ready to be struck, and what it ends in when nobody strikes it.

    Arguments:
        stage: The stage.
        here: The folder that its line is run in.
        kept: Where its folder is kept, as it was before and after.
        answer: That of the undisturbed run.
        files: What it left, by name.
        loud: Files in which two undisturbed runs differ: of these, only that they are there.
    """

    stage: Stage
    here: Path
    kept: Path
    answer: Answer
    files: Mapping[str, bytes] = field(repr=False)
    loud: frozenset[str] = frozenset()

    @classmethod
    def of(cls, stage: Stage, here: Path) -> "Bench":
        """Runs a stage twice, undisturbed."""
        kept = here.parent / f"kept {stage.name}"
        if stage.within and stage.out:
            shutil.copytree(here / stage.out, kept / "before")
        bare = cls(stage, here, kept, Answer(0, "", "", 0.0), {})
        found = []
        for _ in range(2):
            bare.restore("before")
            found.append((bare.run(), bare.look()))
        (first, files), (answer, again) = found
        assert first.code == answer.code == 0, f"{stage.name}: {first.err}{answer.err}"
        if stage.out:
            shutil.copytree(here / stage.out, kept / "after")
        loud = {name for name in files.keys() | again.keys() if files.get(name) != again.get(name)}
        return cls(stage, here, kept, answer, again, frozenset(loud))

    def restore(self, moment: str) -> None:
        """Puts the folder back as it was `before` or `after`, with an empty cache."""
        shutil.rmtree(self.here / "cache", ignore_errors=True)
        if not self.stage.out:
            return
        shutil.rmtree(self.here / self.stage.out, ignore_errors=True)
        if (self.kept / moment).exists():
            shutil.copytree(self.kept / moment, self.here / self.stage.out)

    def run(self, line: str = "") -> Answer:
        """Runs a line to its end; that of the stage when none is given."""
        return Started(line or self.stage.line, self.here).end()

    def look(self) -> dict[str, bytes]:
        """What the folder holds."""
        return look(self.here / self.stage.out) if self.stage.out else {}

    def differing(self) -> list[str]:
        """The files that are not as the undisturbed run leaves them."""
        found = self.look()
        names = sorted(found.keys() | self.files.keys())
        return [
            name
            for name in names
            if (name in found) != (name in self.files)
            or (name not in self.loud and found[name] != self.files[name])
        ]

    def outcome(self, answer: Answer) -> tuple[str, str]:
        """How the stage came through, in a word, and what there is to say of it."""
        if answer.fell:
            return "traceback", last(answer)
        if answer.code != 0:
            line = answer.refusal
            return ("refused", line) if line else ("unclear", answer.err)
        differing = self.differing()
        if self.stage.name == "guard" and answer.out != self.answer.out:
            differing.append("what is printed")
        return ("differs", ", ".join(differing)) if differing else ("same", "")


class Started:
    """A command line that is on its way."""

    def __init__(
        self,
        line: str,
        here: Path,
        apart: str = "",
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._said = [here.parent / f"{name}{apart}" for name in ("started", "out", "err")]
        for path in self._said:
            path.unlink(missing_ok=True)
        words = line.split()
        around = {**ENVIRONMENT, **(environment or {})}
        self.child: Any = forking.start(speak, words, here, self._said, environment=around)
        while not self._said[0].exists():
            time.sleep(0.001)
        self._begun = time.monotonic()

    def strike(self, after: float, number: signal.Signals) -> bool:
        """Sends it a signal after so many seconds; tells whether it was still there."""
        self.child.join(after)
        try:
            os.kill(self.child.pid, number)
        except ProcessLookupError:
            return False
        return True

    def end(self) -> Answer:
        """Waits for its end."""
        self.child.join(LONGEST)
        seconds = time.monotonic() - self._begun
        self.child.kill()
        self.child.join()
        out, err = (path.read_text(errors="replace") for path in self._said[1:])
        return Answer(int(self.child.exitcode), out, err, seconds)


def speak(words: list[str], here: Path, said: list[Path]) -> None:
    """What the process does."""
    os.chdir(here)
    for number, path in enumerate(said[1:], 1):
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, number)
        os.close(handle)
    said[0].touch()
    if os.environ.get(CLOCK):
        jump(random.Random(os.environ[CLOCK]))
    if os.environ.get(SPEECHLESS):
        hush(int(os.environ[SPEECHLESS]))
    code = studied(*words[1:]) if words[0] == STUDY else main(words)
    sys.stdout.flush()
    os._exit(code)


def jump(chance: random.Random) -> None:
    """Lets the clocks of this process jump at every look, that of the day also backwards."""
    day, steady = time.time, time.monotonic
    ahead = 0.0

    def monotonic() -> float:
        nonlocal ahead
        ahead += chance.uniform(0, 600) * (chance.random() < 0.01)
        return steady() + ahead

    time.time = lambda: day() + chance.uniform(-1e6, 1e6)
    time.monotonic = monotonic


def hush(group: int) -> None:
    """Lets the averages of captions answer no numbers to the images of one of them."""
    denoise = Average.denoise

    def hushed(self: Average, z_t: Any, t: Any, condition: Any = None) -> Any:
        answer = denoise(self, z_t, t, condition)
        if condition is None:
            return answer
        mute = condition.tensors["group"] == group
        return torch.where(mute[:, None, None, None], torch.nan, answer)

    Average.denoise = hushed  # type: ignore[method-assign]


def studied(out: str) -> int:
    """Runs a study whose stages only count, as those of `tests/studies`; the exit code."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "studies"))
    import counted
    from counted import COMMANDS, N, arms_of, hits

    counted.calls = lambda folder: 0  # How often a stage was begun is no difference.
    readouts = (Readout("Hit", "share", "high", hits, "images that are hit"),)
    setting = Setting(images=N, seeds=(0, 1, 2))
    arms = partial(arms_of, {"first": 0.25, "second": 0.75})
    study = Study("duplication", arms, readouts, setting, setting, axis="share")
    try:
        for _ in run_studies([(study, setting)], Path(out), COMMANDS):
            pass
        write_report(Path(out) / study.name)
    except SolidmarkError as error:
        sys.stderr.write(f"Error: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    except Exception as error:
        line = explain_system(error)
        if line is None:
            raise
        sys.stderr.write(f"Error: {line}\n")
        return 2
    return 0


def look(folder: Path) -> dict[str, bytes]:
    """The files of a folder, but for ledgers, states of a training and what is measured."""
    return {
        path.relative_to(folder).as_posix(): _content(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not {"ledger", ".ledger", ASIDE, STATES} & set(path.parts)
    }


def _content(path: Path) -> bytes:
    if path.name not in MEASURED and path.parent.name != "stages":
        return path.read_bytes()
    try:
        value = json.loads(path.read_bytes())
    except ValueError:
        return path.read_bytes()
    if isinstance(value, dict):
        value = {name: one for name, one in value.items() if name not in OWN}
    return json.dumps(value, sort_keys=True).encode()
