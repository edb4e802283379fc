"""The sharpness: how much more the log density bends with the prompt than without it.

.. math:: j(c) = \\frac1K \\sum_k \\lVert (H_c - H_\\varnothing) s_\\Delta \\rVert_2, \\qquad
          s_\\Delta = s_c - s_\\varnothing, \\quad H = \\nabla_x s

at pure noise, before the first step of sampling. Along the way that the prompt pulls, a memorized
picture is a narrow peak. The product is a difference of two scores, so no gradient is needed:
it is exact where the score is linear along the step, which has length 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Condition, Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.predicted import predicted_noise
from solidmark.measures.signals.kinds.signal import SignalCard, require_led
from solidmark.mitigations.magnitude import first_noise

FIRST = 0.981
"""The first of 50 steps of DDIM, with leading spacing as in the authors' code."""


@dataclass(frozen=True)
class Sharpness:
    """The difference of the Hessians with and without the prompt, along what the prompt changes.

    Arguments:
        draws: K, how many noises are averaged.

    References:
        Jeon, Kim and No, 2025 (arXiv 2412.04140), without its square; the difference in the place
        of the derivative is that of its search for better noise (SAIL).
    """

    draws: int = 4

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise BadInput(f"Sharpness takes 1 or more draws, not {self.draws}.")

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("sharpness", 4 * self.draws)

    def require(self, model: Model, sample: Sample) -> None:
        require_led(model, sample)

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        condition = model.condition(samples)
        nothing = model.unconditional(condition)
        total = torch.zeros(len(samples), dtype=torch.float64)
        for _ in range(self.draws):
            x = first_noise(model, samples, generators)
            here = _difference(model, x, condition, nothing)
            length = here.flatten(1).norm(dim=1)
            way = here / length.clamp(min=1e-300).reshape(-1, 1, 1, 1)
            there = _difference(model, x + way.to(x), condition, nothing)
            total += (there - here).flatten(1).norm(dim=1) * length
        return total / self.draws


def _difference(model: Model, x: Tensor, condition: Condition, nothing: Condition) -> Tensor:
    """The score with the prompt less that without."""
    _, sigma = model.schedule(FIRST)
    with_it = predicted_noise(model, x, FIRST, condition)
    return (predicted_noise(model, x, FIRST, nothing) - with_it) / sigma
