"""Progress with the time left, on standard error, by the main process only."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Protocol, runtime_checkable

from solidmark.runs.processes import Processes
from solidmark.runs.saying import say, tame

SECONDS_BETWEEN_LINES = 30.0
"""How often a log file, which cannot show a bar, gets a line."""


@runtime_checkable
class Advance(Protocol):
    """Reports that some units are done."""

    def __call__(self, amount: int = 1, note: str = "") -> None: ...


@contextmanager
def progress(title: str, total: int, done: int = 0) -> Iterator[Advance]:
    """Shows a bar with the time left while work goes on; in a log file, a line now and then.

    Arguments:
        title: What is being done.
        total: How many units there are.
        done: How many an earlier run has done.
    """
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
    if not Processes.here().is_main or not console.is_terminal:
        yield _lines(title, total, done, Processes.here().is_main)
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

        def advance(amount: int = 1, note: str = "") -> None:
            bar.update(task, advance=amount, note=tame(note, line=True))

        yield advance


def _lines(title: str, total: int, done: int, shown: bool) -> Advance:
    """Writes `training: 120 of 600, 0:02:11 left, loss 0.0123` every half minute."""
    started = last = time.monotonic()
    now_done = done

    def advance(amount: int = 1, note: str = "") -> None:
        nonlocal last, now_done
        now_done += amount
        now = time.monotonic()
        if shown and now - last >= SECONDS_BETWEEN_LINES and now_done > done:
            last = now
            seconds = (now - started) / (now_done - done) * (total - now_done)
            left = timedelta(seconds=round(seconds))
            line = f"{title}: {now_done} of {total}, {left} left" + (f", {note}" if note else "")
            say(line, error=True)

    return advance
