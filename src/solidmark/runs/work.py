"""Work in batches that survives a kill, and whose answers do not depend on who did them.

The partition into batches is fixed before the work starts, and a batch is committed whole. So
neither a kill, nor a resume, nor the engine changes what is computed together.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from solidmark.errors import BadInput
from solidmark.runs.engines import Answer, Away, Job, Work, current_engine
from solidmark.runs.files import write_bytes
from solidmark.runs.ledger import Ledger
from solidmark.runs.manifest import Run
from solidmark.runs.memory import MEMORY, Room, memory_name, memory_row
from solidmark.runs.processes import Processes
from solidmark.runs.progress import progress

T = TypeVar("T")

Files = Callable[[Mapping[str, Any]], Mapping[str, str]]
"""From all rows by name: the file below the folder of the run that a row needs, where it does."""


def pictures_of(rows: Mapping[str, Any]) -> dict[str, str]:
    """The picture that a row names."""
    return {name: row["picture"] for name, row in rows.items() if row.get("picture")}


def work_through(
    run: Run,
    title: str,
    batches: Sequence[Sequence[T]],
    name: Callable[[T], str],
    work: Work[T],
    room: Room,
    files: Files = pictures_of,
    away: Away | None = None,
    threads: int | None = None,
) -> Mapping[str, Any]:
    """Does what is left to do of a run, by whatever the engine has.

    Arguments:
        run: Whose folder holds the ledger.
        title: What is being done, for the progress.
        batches: All of the work, in parts that are done whole.
        name: The name of a unit's row.
        work: Does a batch; gives a row a unit, by its name. Files that the rows speak of are there
            when it returns.
        room: How much fits at a time, for the rows on memory.
        files: Which files the rows speak of. A batch that has lost one is done again.
        away: How another machine does the work; without it, this one does it.
        threads: As of `Job`.

    Returns:
        The rows of all units that any process has done, sorted by name, and those on memory. They
        are complete in every process.

    Raises:
        BadInput: When the engine gives no answer to some of the batches.
    """
    processes = Processes.here()
    memory = memory_name(f"{processes.rank}")

    def measured(batch: Sequence[T]) -> Mapping[str, Any]:
        return {**work(batch), memory: memory_row(room)}

    with Ledger(run.folder / "ledger", processes.rank) as ledger:
        done = _whole(ledger, run.folder, files)
        ledger.commit({memory: memory_row(room)})
        left = {
            number: batch
            for number, batch in enumerate(batches)
            if not done.issuperset(map(name, batch))
        }
        hand_all_out(
            title,
            left,
            sum(map(len, batches)),
            Job(measured, room, away, threads),
            lambda answer: _commit(ledger, run.folder, answer),
        )
        processes.wait()
        return ledger.rows()


def write_through(
    folder: Path,
    title: str,
    parts: Mapping[str, Sequence[T]],
    work: Work[T],
    room: Room,
    away: Away | None = None,
    threads: int | None = None,
    came: Callable[[str], None] = lambda part: None,
    whole: Callable[[str], bool] = lambda part: True,
) -> None:
    """Has files made that need no rows, by whatever the engine has; all are there afterwards.

    Arguments:
        folder: Where they lie.
        title: What is being done, for the progress.
        parts: All of the work, by the file that is written last where a part is done.
        work: Does a part: its files are there when it returns.
        room: How much fits at a time, and on which device.
        away: How another process does a part; without it, this one does it.
        threads: As of `Job`.
        came: Is told of each part that another process has made, once its files are here.
        whole: Whether what was written of a part before is still what was written.

    Raises:
        BadInput: When the engine gives no answer to some of the parts.
    """

    def keep(answer: Answer) -> None:
        for name in sorted(answer.files, key=lambda name: name in parts):
            write_answered(folder, name, answer.files[name])
            if name in parts:
                came(name)

    every = enumerate(parts.items())
    left = {
        number: part
        for number, (name, part) in every
        if not ((folder / name).is_file() and whole(name))
    }
    total = sum(map(len, parts.values()))
    hand_all_out(title, left, total, Job(work, room, away, threads), keep)
    Processes.here().wait()


def hand_all_out(
    title: str,
    left: Mapping[int, Sequence[T]],
    total: int,
    job: Job[T],
    keep: Callable[[Answer], None],
) -> None:
    """Has batches done until all have an answer, or another process commits them.

    Arguments:
        title: What is being done, for the progress.
        left: The batches that are not done, by their numbers.
        total: How many units there are in all.
        job: What is done with each.
        keep: Keeps an answer; it may come twice.

    Raises:
        BadInput: When the engine gives no answer to some of them.
    """
    left, every = dict(left), len(left)
    with progress(title, total, total - sum(map(len, left.values()))) as advance:
        while left:
            before = len(left)
            for number, answer in current_engine().hand_out(dict(left), job):
                if answer is not None:
                    keep(answer)
                advance(len(left.pop(number, ())))
            if len(left) == before:
                raise BadInput(
                    f"{len(left):,} of {every:,} batches have no answer. Run the same "
                    "command again: what is done is kept."
                )


def _commit(ledger: Ledger, folder: Path, answer: Answer) -> None:
    """Keeps what came of a batch: its files first, its rows after them. Twice is once."""
    for name, data in answer.files.items():
        write_answered(folder, name, data)
    ledger.commit(answer.rows)


def write_answered(folder: Path, name: str, data: bytes) -> None:
    """Writes a file that came with an answer.

    Raises:
        BadInput: When its name leads out of the folder.
    """
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise BadInput(f'A worker named the file "{name}", which is not of the run.')
    write_bytes(path, data)


def _whole(ledger: Ledger, folder: Path, files: Files) -> set[str]:
    """The names of the rows whose files are there."""
    rows = ledger.rows()
    needed = files(rows)
    return {name for name in rows if name not in needed or (folder / needed[name]).is_file()}


def memory_of(rows: Mapping[str, Any]) -> dict[str, Any]:
    """What the processes of a run needed, killed ones too: the largest peak, the smallest batch.

    Arguments:
        rows: What `work_through` gave.
    """
    found = [row for name, row in rows.items() if name.startswith(f"{MEMORY} ")]
    return {
        "device": found[0]["device"],
        "peak_memory_bytes": max(row["peak_memory_bytes"] for row in found),
        "batch_size": min(row["batch_size"] for row in found),
    }
