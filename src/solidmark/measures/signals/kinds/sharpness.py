"""The sharpness: how much more the log density bends with the prompt than without it.

.. math:: j(c) = \\frac1K \\sum_k \\lVert (H_c - H_\\varnothing) s_\\Delta \\rVert_2, \\qquad
          s_\\Delta = s_c - s_\\varnothing, \\quad H = \\nabla_x s

at pure noise, before the first step of sampling. Along the way that the prompt pulls, a memorized
picture is a narrow peak. The product is a difference of two scores, so no gradient is needed:
it is exact where the score is linear along the step, which has length 1.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.late import Tensor
from solidmark.measures.signals.kinds.from_noise import FromNoise, Prompts
from solidmark.measures.signals.kinds.predicted import predicted_noise
from solidmark.types import Latents

FIRST = 0.981
"""The first of 50 steps of DDIM, with leading spacing as in the authors' code."""


@dataclass(frozen=True)
class Sharpness(FromNoise):
    """The difference of the Hessians with and without the prompt, along what the prompt changes.

    Arguments:
        draws: K, how many noises are averaged.

    References:
        Jeon, Kim and No, 2025 (arXiv 2412.04140), without its square; the difference in the place
        of the derivative is that of its search for better noise (SAIL).
    """

    name: ClassVar[str] = "sharpness"

    @property
    def calls(self) -> int:
        return 4

    def at(self, model: Model, noise: Latents, prompts: Prompts) -> Float[Tensor, " B"]:
        here = _difference(model, noise, prompts)
        length = here.flatten(1).norm(dim=1)
        way = here / length.clamp(min=1e-300).reshape(-1, 1, 1, 1)
        there = _difference(model, noise + way.to(noise), prompts)
        return (there - here).flatten(1).norm(dim=1) * length


def _difference(model: Model, x: Tensor, prompts: Prompts) -> Tensor:
    """The score with the prompt less that without."""
    _, sigma = model.schedule(FIRST)
    with_it = predicted_noise(model, x, FIRST, prompts.told)
    return (predicted_noise(model, x, FIRST, prompts.nothing) - with_it) / sigma
