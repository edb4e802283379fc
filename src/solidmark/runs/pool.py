"""`--engine processes:NUMBER`: the batches of a run in processes of this machine.

For work on processors, such as decoding and marking; on GPUs a launcher gives each process its own.
"""

import multiprocessing
import os
import pickle
import sys
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

from solidmark.errors import BadInput
from solidmark.runs.engines import Answer, Job, Launched
from solidmark.runs.worker import Told, Worker, told

WAITING = 2
"""Batches that are with each process, so that none waits while answers are written."""

_WORKER: list[Worker] = []
"""That of this process, where it is one of a pool."""


@dataclass(frozen=True)
class Pool:
    """Processes that are started for the work, and end with it.

    Arguments:
        count: How many.
    """

    count: int

    def joined(self) -> AbstractContextManager[None]:
        return nullcontext()

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
        count, what = min(self.count, max(len(batches), 1)), told(job)
        context = multiprocessing.get_context("spawn")
        pool = ProcessPoolExecutor(count, context, initializer=_begin, initargs=(what,))
        try:
            waiting = iter(batches.items())
            running: dict[Future[Answer | str], int] = {}
            while True:
                while len(running) < WAITING * count and (one := next(waiting, None)) is not None:
                    # Here, and not in the thread of the pool: a batch may be read from a ledger.
                    running[pool.submit(_do, pickle.dumps(one[1]))] = one[0]
                if not running:
                    return
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    number, found = running.pop(future), future.result()
                    if isinstance(found, str):
                        raise BadInput(found)
                    yield number, found
        except BrokenProcessPool:
            return
        finally:
            pool.shutdown(cancel_futures=True)


def _begin(what: Told) -> None:
    """A process beside others: no progress that would run through theirs."""
    os.environ["OMP_NUM_THREADS"] = str(what.threads)  # Before torch is imported, which reads it.
    sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115
    _WORKER[:] = [Worker(what)]


def _do(batch: bytes) -> Answer | str:
    return _WORKER[0].do(pickle.loads(batch))
