"""What a search has found so far, on disk: a kill costs the seconds since the last look."""

import hashlib
import io
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from solidmark.late import torch
from solidmark.neighbours.candidates import Candidates
from solidmark.runs import Processes, write_bytes

Found = tuple[NDArray[np.int64], NDArray[np.float64]]
"""The neighbours of some queries, and their squared distances."""

SECONDS = 5.0
"""How long a search goes on before its state is written again."""


class Kept:
    """The files of the queries from `start` up to `stop`.

    Arguments:
        folder: Where they lie; None keeps nothing but the answer in memory.
        start: The number of the first query.
        stop: The number after the last.
    """

    def __init__(self, folder: Path | None, start: int, stop: int) -> None:
        self.start, self.stop = start, stop
        self._state = folder / f"{start:09d}-{stop:09d}.state.npz" if folder else None
        self._path = folder / f"{start:09d}-{stop:09d}.npz" if folder else None
        self._again = folder / f"{start:09d}-{stop:09d}.again" if folder else None
        self._answer: Found | None = None
        self._saved = time.monotonic()

    @property
    def is_done(self) -> bool:
        return self._answer is not None or self._found() is not None

    @property
    def answer(self) -> Found:
        """The neighbours and their squared distances, once they are found."""
        if self._answer is None and (found := self._found()) is not None:
            self._answer = found["index"], found["squared"]
        assert self._answer is not None
        return self._answer

    def _found(self) -> dict[str, NDArray[Any]] | None:
        """The answer on disk; None where it is not there, or not what was written."""
        return None if self._path is None else _read(self._path)

    def again(self, some: NDArray[np.int64]) -> "Kept":
        """The state of some of the queries, when they are searched again with more candidates."""
        name = hashlib.blake2b(some.tobytes(), digest_size=8).hexdigest()
        return Kept(self._again / name if self._again else None, int(some[0]), int(some[-1]) + 1)

    def resume(self, tiles: Sequence[Candidates]) -> tuple[int, float]:
        """Puts back the candidates of a search that was killed.

        Returns:
            The row of the base to go on at, and the longest row so far.
        """
        found = None if self._state is None else _read(self._state)
        sizes = [len(tile.values) for tile in tiles]
        if found is None or found["values"].shape != (sum(sizes), tiles[0].values.shape[1]):
            return 0, 0.0
        values = torch.from_numpy(found["values"]).split(sizes)
        index = torch.from_numpy(found["index"]).split(sizes)
        for number, tile in enumerate(tiles):
            tile.values, tile.index = values[number].to(tile.values), index[number].to(tile.index)
        return int(found["row"]), float(found["longest"])

    def save(self, tiles: Sequence[Candidates], row: int, longest: float) -> None:
        """Keeps the candidates, if it is time to; `row` is the next one of the base."""
        if self._state is not None and time.monotonic() - self._saved >= SECONDS:
            values, index = gathered(tiles)
            _write(self._state, values=values, index=index, row=row, longest=longest)
            self._saved = time.monotonic()

    def finish(self, index: NDArray[np.int64], squared: NDArray[np.float64]) -> None:
        """Keeps the answer."""
        self._answer = index, squared
        if self._path is not None and self._state is not None and self._again is not None:
            _write(self._path, index=index, squared=squared)
            self._state.unlink(missing_ok=True)
            shutil.rmtree(self._again, ignore_errors=True)


def gathered(tiles: Sequence[Candidates]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """The values and the rows of all queries."""
    for tile in tiles:
        tile.settle()
    values = torch.cat([tile.values.cpu() for tile in tiles])
    return values.numpy(), torch.cat([tile.index.cpu() for tile in tiles]).numpy()


def _read(path: Path) -> dict[str, NDArray[Any]] | None:
    """Some arrays, checked by the checksums of the zip that they lie in; None where they are gone
    or not what was written, and are to be found again."""
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as found:
            return {name: found[name] for name in found.files}
    except (OSError, ValueError, EOFError, BadZipFile):
        return None


def _write(path: Path, **arrays: Any) -> None:
    file = io.BytesIO()
    np.savez(file, **arrays)
    write_bytes(path, file.getvalue())


def in_blocks(
    folder: Path | None,
    count: int,
    size: int,
    k: int,
    answer: Callable[[slice, Kept], Found],
    skip: Callable[[int], None],
) -> Found:
    """Answers queries block by block, of which those that are done stay done.

    Several processes of one launch share the blocks, where there is a folder, and all of them get
    the whole answer.

    Arguments:
        folder: Where answers are kept; None keeps nothing.
        count: How many queries.
        size: How many are a block.
        k: How many neighbours each has.
        answer: Answers a block.
        skip: Told of how many queries an earlier run has answered.
    """
    processes = Processes.here() if folder else Processes()
    blocks = [Kept(folder, s, min(s + size, count)) for s in range(0, count, size)]
    for block in processes.share(blocks):
        if block.is_done:
            skip(block.stop - block.start)
        else:
            block.finish(*answer(slice(block.start, block.stop), block))
    processes.wait()
    index = [np.empty((0, k), np.int64), *(block.answer[0] for block in blocks)]
    squared = [np.empty((0, k)), *(block.answer[1] for block in blocks)]
    return np.concatenate(index), np.concatenate(squared)
