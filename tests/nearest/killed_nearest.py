"""A comparison that kills itself at a chosen moment, as `kill -9` would."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from solidmark.embed import Cache
from solidmark.measures.nearest import Comparison, gathering, nearest, pictures, tables
from solidmark.neighbours import kept, matrix
from solidmark.runs import Run

job = sys.modules["solidmark.measures.nearest.nearest"]

PLACES: dict[str, tuple[Any, str]] = {
    "shard": (gathering, "write_bytes"),
    "fsync": (os, "fsync"),
    "replace": (os, "replace"),
    "cache": (Cache, "write"),
    "products": (sys.modules["solidmark.neighbours.search"], "squared_distances"),
    "answer": (kept, "write_bytes"),
    "table": (tables, "write_bytes"),
    "picture": (pictures, "write_image"),
    "score": (job, "score_nearest"),
    "finish": (Run, "finish"),
    "clear": (shutil, "rmtree"),
}
"""Where the kill can strike: before a shard of pixels or facts, within a file, before it gets its
name, before vectors are kept, within a search, before its answer, before a table, a picture, the
results, the end, and before the work is cleared away."""


def shorten() -> None:
    """Shards of a few images, and states written all the time."""
    matrix.SHARD_BYTES = 9 * 8 * 8 * 3
    kept.SECONDS = 0


def comparison(here: Path, out: Path) -> Comparison:
    """The folders that a test has made in `here`."""
    return Comparison(
        str(here / "drawn"),
        str(here / "train"),
        out,
        distances=("l2", "patched-l2", "phash"),
        held_out=str(here / "other"),
        features=("authpct", "ct"),
        n=4,
        memory=21 * 2**20,
        cache=out.parent / f"cache of {out.name}",
    )


def compare_until(place: str, count: int, here: Path, out: Path) -> None:
    """Compares, and dies just before something is done for the `count`-th time."""
    shorten()
    if place:
        where, name = PLACES[place]
        setattr(where, name, dying(getattr(where, name), count))
    nearest(comparison(here, out))


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


def compare_twice(here: Path, out: Path) -> None:
    """What one of several processes does."""
    shorten()
    for _ in range(2):  # The second time it is finished, and the same processes can say so.
        nearest(comparison(here, out))
