"""Processes that write until they are killed."""

from pathlib import Path

from solidmark.runs import Ledger, write_bytes

SIZE = 4_000_000


def write_files(path: Path, started: Path) -> None:
    """Writes one file over and over: 4 MB of one byte, then of the next."""
    number = 0
    while True:
        write_bytes(path, bytes([number % 256]) * SIZE)
        number += 1
        started.touch()


def commit_batches(folder: Path, told: Path, padding: int) -> None:
    """Commits batches of ten rows, and tells after each commit which it was."""
    first = len(Ledger(folder).rows()) // 10
    with Ledger(folder) as ledger, open(told, "a") as file:
        for batch in range(first, 1_000_000):
            rows = {f"{batch:06d}-{row}": [batch, row, "x" * padding] for row in range(10)}
            ledger.commit(rows)
            file.write(f"{batch}\n")
            file.flush()


def commit_half(folder: Path) -> None:
    """Dies within a batch, after the first rows of it."""
    import os
    import signal
    from collections.abc import Iterator

    class Rows(dict[str, int]):
        def items(self) -> Iterator[tuple[str, int]]:  # type: ignore[override]
            for number in range(10_000):
                yield f"half-{number}", number
            os.kill(os.getpid(), signal.SIGKILL)

    with Ledger(folder) as ledger:
        ledger.commit({"whole-0": 0, "whole-1": 1})
        ledger.commit(Rows(x=1))
