"""A signal: one number that a model gives away for a few network calls an image.

No signal proves memory. Each says how a model behaves at an image, and images that were never
shown to it behave in some way too: only beside those does a value mean anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float

from solidmark.cards import SIGNALS
from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import MissingCapability
from solidmark.generating.prompts import classes_of, is_captioned
from solidmark.late import Tensor, torch
from solidmark.mitigations.telling import bare


@dataclass(frozen=True)
class SignalCard:
    """What everybody must know of a signal before reading a number of it.

    Arguments:
        name: Its name in tables.
        unit: The unit of its values.
        direction: Which side means memorized: `low` or `high`.
        paper: Where it comes from, and what of it is ours.
        needs: What a model must have.
        per: Whether it has a value for each image, or for each prompt, which images may share.
        network_calls: How many calls a value costs.
    """

    name: str
    unit: str
    direction: Literal["low", "high"]
    paper: str
    needs: str
    per: Literal["image", "prompt"]
    network_calls: int

    @classmethod
    def of(cls, name: str, network_calls: int) -> "SignalCard":
        """What a table holds of the card of a signal, and what a value costs as it is asked."""
        card = SIGNALS[name]
        about = (card.name, card.unit, card.direction, card.paper, card.needs, card.per)
        return cls(*about, network_calls)


@runtime_checkable
class Signal(Protocol):
    """A way to suspect images. Its fields are its configuration."""

    @property
    def card(self) -> SignalCard: ...

    def require(self, model: Model, sample: Sample) -> None:
        """Checks that the model can be asked, without asking it.

        Arguments:
            model: The model.
            sample: One of the images.

        Raises:
            MissingCapability: When it lacks what the signal needs.
        """
        ...

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        """The value of each image; NaN or infinite where the model's numbers were.

        Arguments:
            model: The model.
            samples: B images.
            generators: One an image, of which all of its noise is drawn: no row depends on another.

        Returns:
            B values in the unit of the card, float64 on the CPU.
        """
        ...


def suspicion(card: SignalCard, values: Float[np.ndarray, " N"]) -> Float[np.ndarray, " N"]:
    """The values of a signal with the most suspicious lowest, whatever its direction.

    Arguments:
        card: Of the signal.
        values: Its values; NaN stays NaN.
    """
    found = np.asarray(values, dtype=np.float64)
    return found if card.direction == "low" else -found


def told_of(model: Model, sample: Sample) -> str | None:
    """What a model is told of an image: its caption, its class, or nothing.

    Arguments:
        model: The model, or whatever was put round it.
        sample: The image.

    Returns:
        The caption, or "class 3"; None where the model is told nothing.
    """
    adapter: Any = bare(model)
    if is_captioned(adapter):
        return sample.caption
    return f"class {sample.class_index}" if classes_of(adapter) else None


def require_led(model: Model, sample: Sample) -> None:
    """Checks that a model can be told of an image, and can be told nothing too.

    Raises:
        MissingCapability: When one of both is not so: there is no difference to measure.
    """
    condition = model.condition([sample])
    if condition is None:
        raise MissingCapability(
            "The model is told nothing of an image, so there is nothing to compare its prediction "
            "with. Signals of captions and classes need a model that is told them."
        )
    model.unconditional(condition)
