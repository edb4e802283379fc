"""A training that kills itself at a chosen moment, as `kill -9` would."""

import os
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from forking import start

from solidmark.training import Recipe, checkpoints, latents, network, train, trainer

PLACES: dict[str, tuple[Any, str]] = {
    "step": (trainer.Training, "_step"),
    "file": (checkpoints, "write_tensors"),
    "move": (checkpoints, "move_folder"),
    "save": (network, "write_json"),
    "shard": (latents, "write_tensors"),
}
"""Where the kill can strike: before a step, before a file of a state, before a state is renamed,
within the saving of a pipeline, before a shard of latents."""


def train_through(
    kills: Sequence[tuple[str, int]], marked: Path, out: Path, recipe: Recipe
) -> None:
    """Trains in one process after another: each is killed where it says, the last one is not."""
    for place, count in [*kills, ("", 0)]:
        child = start(train_until, place, count, marked, out, recipe.to_json())
        child.join(120)
        assert child.exitcode == (-signal.SIGKILL if place else 0), (place, count)


def train_until(place: str, count: int, marked: Path, out: Path, recipe: dict[str, Any]) -> None:
    """Trains, and dies just before something is done for the `count`-th time."""
    latents.SHARD = 4  # Several, of so few images; it changes no call of the autoencoder.
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
