"""What is trained: a loss, and a way to save what it has led to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

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
    """

    name: str
    loss: Callable[[Any, Batch], Float[Tensor, ""]]
    save: Callable[[Path, Mapping[str, Tensor], Mapping[str, Any]], None]
    times: int
    whole: bool = False
    origin: Mapping[str, str] = field(default_factory=dict)
