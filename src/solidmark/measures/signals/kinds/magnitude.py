"""The noise magnitude: how far a prompt moves the first prediction of all, from pure noise.

.. math:: m(c) = \\frac1K \\sum_k
                 \\lVert \\epsilon_\\theta(x_T^k, c) -
                         \\epsilon_\\theta(x_T^k, \\varnothing) \\rVert_2

Before there is anything to see, an ordinary prompt says roughly what to draw; a memorized one says
exactly what. The value belongs to the prompt: no image is looked at.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.late import Tensor
from solidmark.measures.signals.kinds.from_noise import FromNoise, Prompts
from solidmark.mitigations.magnitude import magnitude
from solidmark.types import Latents


@dataclass(frozen=True)
class Magnitude(FromNoise):
    """The difference that a prompt makes at the first step of sampling.

    Arguments:
        draws: K, how many noises are averaged; 1, 4 and 32 in the paper.

    References:
        Wen et al., 2024 ("Detecting, explaining, and mitigating memorization in diffusion
        models"), Section 3.
    """

    name: ClassVar[str] = "magnitude"

    @property
    def calls(self) -> int:
        return 2

    def at(self, model: Model, noise: Latents, prompts: Prompts) -> Float[Tensor, " B"]:
        return magnitude(model, noise, prompts.told)
