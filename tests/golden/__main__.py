"""Writes the frozen files anew: `python -m tests.golden [NAME ...]`; git shows what changed."""

import sys
import tempfile
import time
from pathlib import Path

import torch

from .runs import RUNS
from .world import FROZEN, World


def write(names: list[str]) -> None:
    """Makes runs and writes what they say.

    Arguments:
        names: The names of the runs; all when there are none.
    """
    torch.set_num_threads(1)
    FROZEN.mkdir(exist_ok=True)
    for path in FROZEN.glob("*.txt"):
        if path.stem not in RUNS:
            path.unlink()
    with tempfile.TemporaryDirectory() as here:
        world = World(Path(here))
        for name in names or RUNS:
            start = time.monotonic()
            text = "\n".join(world.lines(name)) + "\n"
            (FROZEN / f"{name}.txt").write_text(text, encoding="utf-8")
            sys.stdout.write(f"{name}: {time.monotonic() - start:.1f} s, {len(text)} characters\n")


if __name__ == "__main__":
    write(sys.argv[1:])
