"""An engine of processes that are elsewhere, without any: all that reaches them is a pickle."""

import pickle
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from solidmark.runs import Answer, Job, memory_of
from solidmark.runs.engines import Launched
from solidmark.runs.worker import Worker, told

OWN = ("manifest.json", ".lock")
"""Files that say when a run was, and whose."""


@dataclass
class Foreign:
    """Hands out as no engine should: backwards, some batches twice, and some not at all at first.

    Arguments:
        twice: Every so manyth batch is done by two workers.
        lost: Every so manyth batch has no answer the first time.
    """

    twice: int = 2
    lost: int = 3
    rounds: int = 0
    sizes: list[int] = field(default_factory=list)

    def joined(self) -> nullcontext[None]:
        return nullcontext()

    def hand_out(
        self, batches: Mapping[int, Sequence[Any]], job: Job[Any]
    ) -> Iterator[tuple[int, Answer | None]]:
        if job.away is None:
            yield from Launched().hand_out(batches, job)
            return
        sent = pickle.dumps(told(replace(job, here=None)))
        self.sizes.append(len(sent))
        self.rounds += 1
        workers = [Worker(pickle.loads(sent)) for _ in range(2)]
        for number in reversed(batches):
            if self.rounds == 1 and number % self.lost == 0:
                continue
            for worker in workers[: 1 + (number % self.twice == 0)]:
                yield number, answered(worker.do(pickle.loads(pickle.dumps(batches[number]))))


def answered(answer: Answer | str) -> Answer:
    """What a worker has answered, when it could."""
    assert isinstance(answer, Answer), answer
    return pickle.loads(pickle.dumps(answer))


def written(folder: Path) -> dict[str, bytes]:
    """What a run has written, by path, but for what says when, and by whom."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in OWN and "ledger" not in path.parts
    }


def rows_of(rows: Mapping[str, Any]) -> dict[str, Any]:
    """The rows of a ledger, but for those on memory."""
    assert memory_of(rows)
    return {name: row for name, row in rows.items() if not name.startswith("memory ")}
