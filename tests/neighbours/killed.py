"""A search that kills itself at a chosen moment, as `kill -9` would."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from neighbours.naive import least_memory
from solidmark.neighbours import Matrix, Neighbours, Search, kept, search
from solidmark.neighbours.search import SPARE

QUERIES, ROWS, WIDTH, K = 60, 300, 32, 3

PLACES: dict[str, tuple[Any, str]] = {
    "products": (sys.modules["solidmark.neighbours.search"], "squared_distances"),
    "file": (kept, "write_bytes"),
    "name": (os, "replace"),
    "measure": (sys.modules["solidmark.neighbours.search"], "measured"),
}
"""Where the kill can strike: before a block of products, before a state or an answer is written,
before its file gets its name, before the candidates are measured."""


def matrices() -> tuple[Matrix, Matrix]:
    """Ties and near copies among them, so that some queries are searched again."""
    generator = np.random.default_rng(0)
    base = generator.normal(size=(ROWS, WIDTH)).astype(np.float32)
    base[100:160] = base[0]
    base[200:300] = base[1] + 1e-7 * generator.normal(size=(100, WIDTH)).astype(np.float32)
    queries = generator.normal(size=(QUERIES, WIDTH)).astype(np.float32)
    queries[:2] = base[:2]
    return Matrix((queries,)), Matrix((base[:120], base[120:]))


def found(folder: Path | None) -> Neighbours:
    """The search: so little memory that there are several blocks of either side."""
    queries, base = matrices()
    memory = least_memory(WIDTH, 1, K + SPARE) + 20_000
    return search(queries, base, Search(K, memory, folder=folder))


def search_until(place: str, count: int, folder: Path) -> None:
    """Searches, and dies just before something is done for the `count`-th time."""
    torch.set_num_threads(1)
    kept.SECONDS = 0
    where, name = PLACES[place]
    setattr(where, name, dying(getattr(where, name), count))
    found(folder)


def dying(work: Callable[..., Any], count: int) -> Callable[..., Any]:
    """The same work, until it is asked for the `count`-th time."""
    done = 0

    def work_or_die(*arguments: Any, **options: Any) -> Any:
        nonlocal done
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **options)

    return work_or_die
