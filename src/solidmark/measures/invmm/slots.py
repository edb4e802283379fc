"""The slots: so many attempts at a time, each with its own weight, checks and stop.

An attempt that has come to its end leaves its slot, and the next of the queue enters. After every
round the whole state is one file, ended attempts included, and only then are their rows committed.
So a kill at any moment costs a round at most, and the same command makes the rounds that an
uninterrupted run makes, with the same attempts side by side.
"""

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from solidmark.data import Sample
from solidmark.errors import BrokenImage
from solidmark.measures.invmm.budget import Budget
from solidmark.measures.invmm.inversion import Attempt, Inverter
from solidmark.measures.invmm.live import Live
from solidmark.measures.invmm.subjects import Unit
from solidmark.randomness import generator
from solidmark.runs import Ledger, Room
from solidmark.subjects import Subjects

Task = tuple[str, str, int]
"""An attempt that is to be made: the split, the id, which restart."""

CUT_SHORT = "The budget of the run was spent before its steps were."

_ROUNDING = 1e-6
"""Calls are sums of multiples of 0.1, which are not exact."""


def task_name(task: Task) -> str:
    """The name of an attempt's row in the ledger."""
    split, id, repeat = task
    return f"invmm {split} {repeat} {id}"


@dataclass
class Slots:
    """One process at work on its share of the queue.

    Arguments:
        queue: The attempts to make, in this order.
        ledger: Where the rows of ended ones go.
        keep: Writes the files of an ended attempt, and gives its row.
        room: How many rows of a network call the memory takes.
        count: How many slots there are.
        budget: What this process may spend.
        seed: Of the noise of each attempt.
        advanced: Is told how many rounds of attempts are behind us, and a word on it.
    """

    inverter: Inverter
    subjects: Subjects
    queue: Sequence[Task]
    ledger: Ledger
    live: Live
    keep: Callable[[Attempt, Sample], Mapping[str, Any]]
    room: Room
    count: int
    budget: Budget
    seed: int
    advanced: Callable[[int, str], None]
    _done: set[str] = field(default_factory=set, init=False)
    _calls: float = field(default=0.0, init=False)
    _samples: dict[Unit, Sample] = field(default_factory=dict, init=False)

    def work(self) -> None:
        """Works until the queue is empty or the budget is spent."""
        self._recall()
        own = set(self.queue) - {task for task in self.queue if task_name(task) in self._done}
        attempts = [attempt for attempt in self.live.attempts if _task(attempt) in own]
        for attempt in attempts:
            self.advanced(self._rounds(attempt), "")
        while True:
            attempts = self._settle(attempts)
            if self.budget.used(self._spent(attempts), self.live.spent) >= 1:
                self._settle([_cut_short(attempt) for attempt in attempts])
                return
            attempts = self._fill(attempts)
            if not attempts:
                return
            now = self._affordable(attempts)
            if not now:
                self._settle([_cut_short(attempt) for attempt in attempts])
                return
            started = time.monotonic()
            attempts = [*self._advance(attempts[:now]), *attempts[now:]]
            self.live.seconds += time.monotonic() - started
            self.live.write(attempts)
            note = f"{now} images at a time"
            used = self.budget.used(self._spent(attempts), self.live.spent)
            self.advanced(now, f"{note}, {used:.0%} of the budget" if used else note)

    def _spent(self, attempts: Sequence[Attempt]) -> float:
        """The network calls of all attempts so far, these among them."""
        return self._calls + sum(attempt.calls for attempt in attempts)

    def _affordable(self, attempts: Sequence[Attempt]) -> int:
        """How many, the first of the queue, may make a round whatever it takes."""
        if self.budget.calls is None:
            return len(attempts)
        left = self.budget.calls - self._spent(attempts)
        for number, attempt in enumerate(attempts):
            left -= self.inverter.inversion.most_calls(attempt.step)
            if left < -_ROUNDING:
                return number
        return len(attempts)

    def _recall(self) -> None:
        """What was done before a kill: which rows there are, and what they cost."""
        rows = self.ledger.rows()
        for task in self.queue:
            row = rows.get(task_name(task))
            if row is not None:
                self._done.add(task_name(task))
                self._calls += row.get("network_calls") or 0.0
                self.advanced(self._most_rounds, "")

    def _settle(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """Commits the rows of those that have come to an end; gives the others."""
        ended = [attempt for attempt in attempts if attempt.outcome is not None]
        rows = {
            task_name(_task(attempt)): self.keep(attempt, self._sample(_task(attempt)))
            for attempt in ended
        }
        if rows:
            self.ledger.commit(rows)
            self._done.update(rows)
        for attempt in ended:
            self._calls += attempt.calls
            self.advanced(self._most_rounds - self._rounds(attempt), "")
        return [attempt for attempt in attempts if attempt.outcome is None]

    def _fill(self, attempts: list[Attempt]) -> list[Attempt]:
        """Lets the next of the queue into the free slots."""
        taken = {_task(attempt) for attempt in attempts}
        for task in self.queue:
            if len(attempts) == self.count or self._affordable(attempts) < len(attempts):
                break
            if task in taken or task_name(task) in self._done:
                continue
            split, id, repeat = task
            try:
                sample = self._sample(task)
            except BrokenImage as error:
                self.ledger.commit({task_name(task): {"status": "failed", "note": str(error)}})
                self._done.add(task_name(task))
                continue
            noise = generator(self.seed, id, repeat, f"invmm {split}")
            attempts.append(self.inverter.start(sample, noise, repeat, split))
            if self._affordable(attempts) < len(attempts):  # Not tried is not cut short.
                attempts.pop()
                break
        return attempts

    def _advance(self, attempts: Sequence[Attempt]) -> list[Attempt]:
        """One round for all, with as many rows a network call as the memory takes."""
        samples = [self._sample(_task(attempt)) for attempt in attempts]
        return self.room.fit(
            lambda size: replace(self.inverter, batch_size=size).advance(attempts, samples)
        )

    def _sample(self, task: Task) -> Sample:
        """The image of an attempt; those of about as many as are at work are kept."""
        unit = task[:2]
        if unit not in self._samples:
            while len(self._samples) > 2 * self.count:
                self._samples.pop(next(iter(self._samples)))
            self._samples[unit] = self.subjects.sample(*unit)
        return self._samples[unit]

    @property
    def _most_rounds(self) -> int:
        return rounds_of(self.inverter.inversion.steps, self.inverter.inversion.every)

    def _rounds(self, attempt: Attempt) -> int:
        return rounds_of(attempt.step, self.inverter.inversion.every)


def rounds_of(steps: int, every: int) -> int:
    """In how many rounds, each with a check at its end, so many steps are made."""
    return -(-steps // every)


def _cut_short(attempt: Attempt) -> Attempt:
    """What stands of an attempt that is not done, so that there is something to rank it by.

    Where no check has seen all samples, that is what the checks saw of them.
    """
    seen = [attempt.best_similarity, *(look.similarity for look in attempt.path)]
    best = attempt.best_similarity if math.isfinite(attempt.best_similarity) else max(seen)
    return attempt.ended("spent", note=CUT_SHORT, best_similarity=best)


def _task(attempt: Attempt) -> Task:
    return attempt.split, attempt.id, attempt.repeat
