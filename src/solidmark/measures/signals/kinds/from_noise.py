"""What signals of prompts share: they ask at pure noise, a few times, and take the mean."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Condition, Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.signal import SignalCard, require_led
from solidmark.mitigations.magnitude import first_noise
from solidmark.types import Latents


@dataclass(frozen=True)
class Prompts:
    """What a model is told of a batch, and the same without the words.

    Arguments:
        samples: B images, of which only the prompts count.
        told: What the model is told of each.
        nothing: What it is told where it is told no words.
    """

    samples: Sequence[Sample]
    told: Condition
    nothing: Condition


@dataclass(frozen=True)
class FromNoise(ABC):
    """A signal of prompts: the mean over draws of pure noise.

    Arguments:
        draws: K, how many noises are averaged.
    """

    name: ClassVar[str]
    draws: int = 4

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise BadInput(f"{self.name} takes 1 or more draws, not {self.draws}.")

    @property
    @abstractmethod
    def calls(self) -> int:
        """How many network calls one draw costs."""

    @property
    def card(self) -> SignalCard:
        return SignalCard.of(self.name, self.calls * self.draws)

    def require(self, model: Model, sample: Sample) -> None:
        require_led(model, sample)

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        told = model.condition(samples)
        prompts = Prompts(samples, told, model.unconditional(told))
        total = torch.zeros(len(samples), dtype=torch.float64)
        for _ in range(self.draws):
            noise = first_noise(model, samples, generators)
            total += self.at(model, noise, prompts).cpu().double()
        return total / self.draws

    @abstractmethod
    def at(self, model: Model, noise: Latents, prompts: Prompts) -> Float[Tensor, " B"]:
        """The values at one noise.

        Arguments:
            model: The model.
            noise: Where sampling begins, with shape (B, c, h, w).
            prompts: Of the batch.
        """
