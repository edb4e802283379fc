"""Progress with the time left, on standard error, by the main process only."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from solidmark.runs.processes import Processes
from solidmark.runs.saying import say, tame

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

SECONDS_BETWEEN_LINES = 60.0
"""How often a log file, which cannot show a bar, gets a line."""


Wait = Callable[[float], bool]
"""Waits for so many seconds; true as soon as the work has ended."""


@runtime_checkable
class Advance(Protocol):
    """Reports that some units are done."""

    def __call__(self, amount: int = 1, note: str = "") -> None: ...


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Advance]:
    """Shows a bar with the time left while work goes on; in a log file, a line a minute.

    Arguments:
        title: What is being done.
        total: How many units there are.
        done: How many an earlier run has done.
    """
    with _shown(title, total, done) as advance:
        _open.append(advance)
        try:
            yield advance
        finally:
            _open.pop()


def remark(note: str) -> None:
    """Says how far a unit is, beside the progress that is shown, where one is.

    Arguments:
        note: For a unit that takes minutes: a few words, with what is done of it.
    """
    if _open:
        _open[-1](0, note)


@contextmanager
def _shown(title: str, total: int, done: int) -> Iterator[Advance]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    console = Console(stderr=True)
    if not Processes.here().is_main:
        yield _silent
        return
    if not console.is_terminal:
        with _lines(title, total, done) as advance:
            yield advance
        return
    if _bars:  # A look into a training: a line more of the bar that is there.
        task = _bars[-1].add_task(tame(title, line=True), total=total, completed=done, note="")
        try:
            yield partial(_move, _bars[-1], task)
        finally:
            _bars[-1].remove_task(task)
        return
    bar = Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        console=console,
    )
    with bar:
        task = bar.add_task(tame(title, line=True), total=total, completed=done, note="")
        _bars.append(bar)
        try:
            yield partial(_move, bar, task)
        finally:
            _bars.pop()


@dataclass
class Steps:
    """The progress of a part of some work, which may begin again where the memory was too small.

    Arguments:
        advance: That of the whole.
    """

    advance: Advance
    done: int = field(default=0, init=False)

    def __call__(self, amount: int) -> None:
        self.done += amount
        self.advance(amount)

    def again(self) -> None:
        """From the beginning of the part."""
        self.end(0)

    def end(self, total: int) -> None:
        """The part is done, whatever it took: so much of the whole it was."""
        self.advance(total - self.done)
        self.done = 0


LARGE = 2**28
"""So many bytes take a moment to read: of fewer no progress is shown."""
_STEP = 2**20


@contextmanager
def progress_of_bytes(title: str, size: int) -> Iterator[Advance]:
    """Shows the progress of reading bytes, in MiB; none of what is read in a moment.

    Arguments:
        title: What is being done.
        size: How many bytes there are. What is yielded is told bytes too.
    """
    if size < LARGE:
        yield _silent
        return
    done = 0
    with progress(f"{title}, MiB", size // _STEP) as advance:

        def tell(amount: int = 1, note: str = "") -> None:
            nonlocal done
            before, done = done // _STEP, done + amount
            advance(done // _STEP - before, note)

        yield tell


_open: list[Advance] = []
"""Those that are told of work now, the innermost last."""

_bars: "list[Progress]" = []
"""The bar that is shown, while one is."""


def _move(bar: "Progress", task: "TaskID", amount: int = 1, note: str = "") -> None:
    bar.update(task, advance=amount, note=tame(note, line=True))


class _Log:
    """Lines for a file: `training: 120 of 600, 0:02:11 left, loss 0.0123`, at most one a minute.

    A unit may last longer than that, so a thread looks at the clock too.
    """

    def __init__(self, title: str, total: int, done: int) -> None:
        self.title, self.total, self.before = title, total, done
        self.done, self.note = done, ""
        self.started = self.last = time.monotonic()
        self._lock = threading.Lock()

    def advance(self, amount: int = 1, note: str = "") -> None:
        with self._lock:
            self.done, self.note = self.done + amount, note or self.note
            self._say()

    def beat(self, ended: Wait) -> None:
        """Says what there is to say, until it is told to end."""
        while not ended(SECONDS_BETWEEN_LINES):
            with self._lock:
                self._say()

    def _say(self) -> None:
        now = time.monotonic()
        if now - self.last < SECONDS_BETWEEN_LINES:
            return
        self.last = now
        note = f", {self.note}" if self.note else ""
        line = f"{self.title}: {self.done} of {self.total}, {self._left(now)}{note}"
        say(line, error=True)

    def _left(self, now: float) -> str:
        """The time left at the pace so far: what an earlier run has done says nothing of it."""
        own = self.done - self.before
        if own <= 0:
            return f"after {timedelta(seconds=round(now - self.started))}"
        seconds = (now - self.started) / own * max(0, self.total - self.done)
        return f"{timedelta(seconds=round(seconds))} left"


def _silent(amount: int = 1, note: str = "") -> None:
    """Of a process whose progress nobody sees."""


@contextmanager
def _lines(title: str, total: int, done: int) -> Iterator[Advance]:
    log, ended = _Log(title, total, done), threading.Event()
    clock = threading.Thread(target=log.beat, args=(ended.wait,), name="progress", daemon=True)
    clock.start()
    try:
        yield log.advance
    finally:
        ended.set()
        clock.join()
