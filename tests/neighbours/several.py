"""A search in one of several processes; as a script, `several.py FOLDER OUT`."""

import sys
from pathlib import Path

import numpy as np
import torch

from neighbours.killed import found
from solidmark.runs import Processes

if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, out = map(Path, sys.argv[1:])
    answer = found(folder)
    rank = Processes.here().rank
    np.savez(out / f"{rank}.npz", index=answer.index, squared=answer.squared)
    Processes.here().wait()
    Processes.here().leave()
