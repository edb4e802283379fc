"""The noise magnitude: how far a prompt moves the first prediction of all, from pure noise.

.. math:: m(c) = \\frac1K \\sum_k
                 \\lVert \\epsilon_\\theta(x_T^k, c) -
                         \\epsilon_\\theta(x_T^k, \\varnothing) \\rVert_2

Before there is anything to see, an ordinary prompt says roughly what to draw; a memorized one says
exactly what. The value belongs to the prompt: no image is looked at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.signal import SignalCard, require_led
from solidmark.mitigations.magnitude import first_noise, magnitude


@dataclass(frozen=True)
class Magnitude:
    """The difference that a prompt makes at the first step of sampling.

    Arguments:
        draws: K, how many noises are averaged; 1, 4 and 32 in the paper.

    References:
        Wen et al., 2024 ("Detecting, explaining, and mitigating memorization in diffusion
        models"), Section 3.
    """

    draws: int = 4

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise BadInput(f"A magnitude takes 1 or more draws, not {self.draws}.")

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("magnitude", 2 * self.draws)

    def require(self, model: Model, sample: Sample) -> None:
        require_led(model, sample)

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        condition = model.condition(samples)
        total = torch.zeros(len(samples), dtype=torch.float64)
        for _ in range(self.draws):
            z_T = first_noise(model, samples, generators)
            total += magnitude(model, z_T, condition).cpu().double()
        return total / self.draws
