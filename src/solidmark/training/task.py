"""What is trained: a loss, and a way to save what it has led to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from jaxtyping import Float

from solidmark.late import Tensor
from solidmark.training.batches import Batch


@dataclass(frozen=True)
class Task:
    """What a training does with its network.

    Arguments:
        name: What people are told that it does.
        loss: The loss of the network on one pass.
        save: Writes the folder of a network, given its weights and what an audit must know of it.
        times: How many training times there are (T).
        whole: Whether the loss compares the images of a pass with one another. Every process then
            sees the whole pass, so that their number changes nothing.
        origin: What a checkpoint must agree with, beside recipe and images.
        live: Gives what is trained as it stands, for a watch: a pipeline, or the network and its
            scheduler; None = nobody can look.
    """

    name: str
    loss: Callable[[Any, Batch], Float[Tensor, ""]]
    save: Callable[[Path, Mapping[str, Tensor], Mapping[str, Any]], None]
    times: int
    whole: bool = False
    origin: Mapping[str, str] = field(default_factory=dict)
    live: Callable[[], Any] | None = None


class Watcher(Protocol):
    """Looks at a model in training: `solidmark.Watch`.

    It changes nothing in the training, and does not look twice at one step.

    Arguments:
        every: Optimizer steps between two looks.
    """

    every: int

    def look(self, step: int, model: Any, images: int | None = None) -> bool:
        """Looks at a step; gives whether the training should stop there."""
        ...


@dataclass(frozen=True)
class Watching:
    """That a training is looked at on the way.

    Arguments:
        every: Optimizer steps between two looks.
        begin: Makes who looks, once the folder of the training is there.
    """

    every: int
    begin: Callable[[], Watcher]
