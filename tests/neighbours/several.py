"""A search in one of several processes."""

from pathlib import Path

import numpy as np

from neighbours.killed import found
from solidmark.runs import Processes


def find(folder: Path, out: Path) -> None:
    """Searches, and writes what it found under the number of its process."""
    answer = found(folder)
    rank = Processes.here().rank
    np.savez(out / f"{rank}.npz", index=answer.index, squared=answer.squared)
    Processes.here().wait()
