"""How much memory a search takes; as a script, `measured.py KIND WIDTH QUERIES ROWS K MEMORY`."""

import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import torch

from neighbours.naive import saved
from solidmark.neighbours import Matrix, Search, search


def resident() -> int:
    """The bytes that are in memory and in no file."""
    (line,) = [x for x in Path("/proc/self/status").read_text().splitlines() if "RssAnon" in x]
    return int(line.split()[1]) * 1024


class Watch(threading.Thread):
    """Looks every few milliseconds how much there is."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.most, self.ended = 0, False

    def run(self) -> None:
        while not self.ended:
            self.most = max(self.most, resident())
            time.sleep(0.002)


def made(kind: str, count: int, width: int, folder: Path) -> Matrix:
    """Random rows; `closer`: each is nearer to the queries than all before it."""
    generator = np.random.default_rng(count)
    if kind == "bytes":
        rows = generator.integers(0, 256, (count, width)).astype(np.uint8)
    elif kind == "float32":
        rows = generator.random((count, width), np.float32)
    else:
        ends = np.linspace(1, 0.5, count, dtype=np.float32)[:, None]
        rows = np.repeat(ends if folder.name == "base" else 0 * ends, width, axis=1)
    return saved(rows, folder, 1000)


if __name__ == "__main__":
    torch.set_num_threads(1)
    kind = sys.argv[1]
    width, asked, count, k, memory = map(int, sys.argv[2:])
    with tempfile.TemporaryDirectory() as folder:
        base = made(kind, count, width, Path(folder) / "base")
        queries = made(kind, asked, width, Path(folder) / "queries")
        small = Matrix((np.zeros((20, 4), np.uint8),))
        search(small, small, Search(2))  # What the libraries take once.
        before = resident()
        watch = Watch()
        watch.start()
        search(queries, base, Search(k, memory))
        watch.ended = True
        watch.join()
    print(watch.most - before)  # noqa: T201
