"""`--engine processes:NUMBER`: the batches of a run in processes of this machine.

For work on processors, such as decoding and marking; on GPUs a launcher gives each process its own.
"""

import multiprocessing
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from solidmark.errors import BadInput
from solidmark.runs.engines import Answer, Job, Launched
from solidmark.runs.worker import Told, Worker, told

WAITING = 2
"""Batches that are with each process, so that none waits while answers are written."""

_WORKERS: dict[str, Worker] = {}
"""That of this process, where it is one of a pool, by the name of what it does."""


@dataclass(frozen=True)
class Pool:
    """Processes that are started for the first work, and end with the command.

    Arguments:
        count: How many.
    """

    count: int
    _started: list[ProcessPoolExecutor] = field(default_factory=list, repr=False, compare=False)

    @contextmanager
    def joined(self) -> Iterator[None]:
        try:
            yield
        finally:
            self._end()

    def hand_out(
        self, batches: Mapping[int, Sequence[Any]], job: Job[Any]
    ) -> Iterator[tuple[int, Answer | None]]:
        """Has batches done, by their numbers; as `Engine.hand_out`.

        When a process is lost, what it was doing has no answer.
        """
        if job.away is None:
            yield from Launched().hand_out(batches, job)
            return
        if job.room.device.partition(":")[0] != "cpu":
            raise BadInput(
                f"--engine processes:{self.count} is for processors, and this works on "
                f'"{job.room.device}". Use torchrun, which gives each process a GPU, or '
                "--device cpu."
            )
        try:
            yield from self._answers(told(job), batches)
        except BrokenProcessPool:
            self._end()
        except BaseException:
            self._end()
            raise

    def _answers(
        self, what: Told, batches: Mapping[int, Sequence[Any]]
    ) -> Iterator[tuple[int, Answer | None]]:
        waiting, name = iter(batches.items()), uuid4().hex
        running: dict[Future[Answer | str], int] = {}
        while True:
            while len(running) < WAITING * self.count and (one := next(waiting, None)) is not None:
                # Listed here, and not in the thread of the pool: it may be read from a ledger.
                running[self._pool().submit(_do, name, what, list(one[1]))] = one[0]
            if not running:
                return
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number, found = running.pop(future), future.result()
                if isinstance(found, str):
                    raise BadInput(found)
                yield number, found

    def _pool(self) -> ProcessPoolExecutor:
        if not self._started:
            context = multiprocessing.get_context("spawn")
            self._started.append(ProcessPoolExecutor(self.count, context, initializer=_alone))
        return self._started[0]

    def _end(self) -> None:
        while self._started:
            self._started.pop().shutdown(cancel_futures=True)


def _alone() -> None:
    """A process beside others: no progress that would run through theirs."""
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _do(name: str, what: Told, batch: Sequence[Any]) -> Answer | str:
    if name not in _WORKERS:  # What is opened stays open from batch to batch.
        _WORKERS.clear()
        _WORKERS[name] = Worker(what)
    return _WORKERS[name].do(batch)
