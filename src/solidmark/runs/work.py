"""Work in batches that survives a kill, and whose answers do not depend on who did them.

The partition into batches is fixed before the work starts, and a batch is committed whole. So
neither a kill, nor a resume, nor the number of processes changes what is computed together.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from solidmark.runs.ledger import Ledger
from solidmark.runs.manifest import Run
from solidmark.runs.memory import Room, peak_memory_bytes
from solidmark.runs.processes import Processes
from solidmark.runs.progress import progress

T = TypeVar("T")

MEMORY = "memory"
"""What the names of the rows on the memory of each process begin with."""


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
    work: Callable[[Sequence[T]], Mapping[str, Any]],
    room: Room,
    files: Files = pictures_of,
) -> Mapping[str, Any]:
    """Does what is left to do of a run, by all of its processes together.

    Arguments:
        run: Whose folder holds the ledger.
        title: What is being done, for the progress.
        batches: All of the work, in parts that are done whole.
        name: The name of a unit's row.
        work: Does a batch; gives a row a unit, by its name. Files that the rows speak of are there
            when it returns.
        room: How much fits at a time, for the rows on memory.
        files: Which files the rows speak of. A batch that has lost one is done again.

    Returns:
        The rows of all units that any process has done, sorted by name, and those on memory. They
        are complete in every process.
    """
    processes = Processes.here()
    memory = f"{MEMORY} {processes.rank} {time.time_ns()}"
    with Ledger(run.folder / "ledger", processes.rank) as ledger:
        done = _whole(ledger, run.folder, files)
        ledger.commit({memory: _memory_now(room)})
        mine = set(processes.share(range(len(batches))))
        left = [
            (number, batch)
            for number, batch in enumerate(batches)
            if not done.issuperset(map(name, batch))
        ]
        total, still = sum(map(len, batches)), sum(len(batch) for _, batch in left)
        with progress(title, total, total - still) as advance:
            for number, batch in left:
                if number in mine:
                    ledger.commit({**work(batch), memory: _memory_now(room)})
                advance(len(batch))
        processes.wait()
        return ledger.rows()


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


def _memory_now(room: Room) -> dict[str, Any]:
    """What this process has needed so far."""
    peak = peak_memory_bytes(room.device)
    return {"device": room.device, "peak_memory_bytes": peak, "batch_size": room.size}
