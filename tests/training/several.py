"""A training for torchrun: `several.py MARKED OUT RECIPE_JSON`."""

import json
import sys
from pathlib import Path

import torch

from solidmark.training import Recipe, train

if __name__ == "__main__":
    torch.set_num_threads(1)
    marked, out, recipe = sys.argv[1:]
    train(Path(marked), Path(out), Recipe.from_json(json.loads(recipe)), device="cpu")
