"""A disk that is full, a folder that cannot be written, two runs in one folder."""

import random
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from .trying import Bench, Started

ROOM = 64 * 2**20


def full(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Gives a stage too small a disk, then room, and runs the same command again.

    Arguments:
        bench: The stage.
        count: How often.
        chance: Draws the size of the disk.

    Yields:
        What was tried, the outcome, and what there is to say of it.
    """
    size = sum(map(len, bench.files.values()))
    for _ in range(count):
        bench.restore("before")
        with disk(bench.here / str(bench.stage.out)) as mounted:
            _mount(mounted, f"remount,size={max(int(chance.uniform(0.05, 0.95) * size), 8192)}")
            answer = bench.run()
            if answer.fell or (answer.code and not answer.refusal):
                yield "full disk", "traceback" if answer.fell else "unclear", answer.err
            _mount(mounted, f"remount,size={ROOM}")
            yield "then room", *bench.outcome(bench.run())


def unwritable(bench: Bench) -> Iterator[tuple[str, str, str]]:
    """Runs a stage in a folder that cannot be written: an empty one, and the finished one."""
    for moment in ("before", "after"):
        bench.restore(moment)
        expected = bench.run().out if moment == "after" else ""
        bench.restore(moment)
        with disk(bench.here / str(bench.stage.out)) as mounted:
            _mount(mounted, "remount,ro")
            answer = bench.run()
            outcome, said = bench.outcome(answer)
            if outcome == "same" and answer.out != expected:
                outcome, said = "differs", "what is printed"
            yield f"read-only, {moment}", outcome, said


def together(bench: Bench, count: int, chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """Starts a stage twice in one folder; one of the two may be refused."""
    for _ in range(count):
        bench.restore("before")
        first = Started(bench.stage.line, bench.here, " 1")
        first.child.join(chance.uniform(0, bench.answer.seconds))
        second = Started(bench.stage.line, bench.here, " 2")
        answers = [first.end(), second.end()]
        done = [answer for answer in answers if answer.code == 0]
        wrong = [answer for answer in answers if answer.code and not answer.refusal]
        if wrong or not done:
            said = (wrong or answers)[0]
            yield "two at once", "traceback" if said.fell else "unclear", said.err
        else:
            yield f"two at once, {len(done)} done", *bench.outcome(done[0])


def can_mount(here: Path) -> bool:
    """Whether this user may mount a disk of memory."""
    try:
        with disk(here / "tried"):
            return True
    except subprocess.CalledProcessError:
        return False


@contextmanager
def disk(folder: Path) -> Iterator[Path]:
    """Puts a disk of memory in the place of a folder, with what it holds."""
    folder.mkdir(exist_ok=True)
    aside = folder.with_name(f"aside {folder.name}")
    shutil.copytree(folder, aside)
    try:
        _mount(folder, f"size={ROOM}", "-t", "tmpfs")
        try:
            shutil.copytree(aside, folder, dirs_exist_ok=True)
            yield folder
        finally:
            subprocess.run(["umount", "-l", str(folder)], check=True)
    finally:
        shutil.rmtree(aside)


def _mount(folder: Path, options: str, *words: str) -> None:
    source = ["tmpfs"] if words else []
    subprocess.run(
        ["mount", *words, "-o", options, *source, str(folder)], check=True, capture_output=True
    )
