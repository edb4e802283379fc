"""A training in two processes."""

from pathlib import Path
from typing import Any

from forking import run_together

from solidmark.training import Recipe, train
from training.folders import shorten_parts


def train_in_two(marked: Path, out: Path, recipe: Recipe) -> None:
    """Trains in two processes."""
    run_together(2, train_twice, marked, out, recipe.to_json())


def train_twice(marked: Path, out: Path, recipe: dict[str, Any]) -> None:
    """What each of them does."""
    shorten_parts()
    for _ in range(2):  # The second time it is finished, and the same processes can say so.
        train(marked, out, Recipe.from_json(recipe), device="cpu")
