"""A training in two processes; as a script, `several.py MARKED OUT RECIPE_JSON`, one of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import torch

from solidmark.runs import Processes
from solidmark.training import Recipe, train
from training.folders import shorten_parts

TESTS = str(Path(__file__).parents[1])


def train_in_two(marked: Path, out: Path, recipe: Recipe) -> None:
    """Trains in two processes, which torchrun starts."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    subprocess.run(
        [*launcher, __file__, marked, out, json.dumps(recipe.to_json())],
        env={**os.environ, "ACCELERATE_USE_CPU": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": TESTS},
        check=True,
        timeout=240,
    )


if __name__ == "__main__":
    torch.set_num_threads(1)
    shorten_parts()
    marked, out, recipe = sys.argv[1:]
    for _ in range(2):  # The second time it is finished, and the same processes can say so.
        train(Path(marked), Path(out), Recipe.from_json(json.loads(recipe)), device="cpu")
    Processes.here().leave()
