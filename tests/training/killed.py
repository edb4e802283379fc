"""A training that kills itself at a chosen moment, as `kill -9` would."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from solidmark.training import Recipe, checkpoints, network, train, trainer

PLACES: dict[str, tuple[Any, str]] = {
    "step": (trainer.Training, "_step"),
    "file": (checkpoints, "write_bytes"),
    "move": (checkpoints, "move_folder"),
    "save": (network, "write_json"),
}
"""Where the kill can strike: before a step, before a file of a state, before a state is renamed,
within the saving of a pipeline."""


def train_until(place: str, count: int, marked: Path, out: Path, recipe: dict[str, Any]) -> None:
    """Trains, and dies just before something is done for the `count`-th time."""
    torch.set_num_threads(1)
    if place:
        where, name = PLACES[place]
        setattr(where, name, _dying(getattr(where, name), count))
    train(marked, out, Recipe.from_json(recipe), device="cpu")


def _dying(work: Callable[..., Any], count: int) -> Callable[..., Any]:
    done = 0

    def work_or_die(*arguments: Any, **options: Any) -> Any:
        nonlocal done
        done += 1
        if done == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **options)

    return work_or_die
