"""The anisotropy: how far what a prompt adds points where the picture lies anyway, and how much.

.. math:: m(c) = \\frac1K \\sum_k w_n \\lVert \\delta_{t_1}^k \\rVert_2 +
                 w_c \\cos(\\delta_{t_0}^k, \\epsilon_\\theta(x^k, t_0, \\varnothing)), \\qquad
          \\delta_t = \\epsilon_\\theta(x, t, c) - \\epsilon_\\theta(x, t, \\varnothing)

x is pure noise, given to the network as if it were nearly clean (t_0) and as what it is (t_1). The
first term is the noise magnitude (`Magnitude`). Why the second works has not been proved: pure
noise at little noise is nothing that a network has seen.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.from_noise import FromNoise, Prompts
from solidmark.measures.signals.kinds.predicted import predicted_noise
from solidmark.mitigations.magnitude import magnitude
from solidmark.types import Latents

FIRST, NEARLY_CLEAN = 0.981, 0.041
"""The first and the third last of 50 steps of DDIM, as in the authors' code."""


@dataclass(frozen=True)
class Anisotropy(FromNoise):
    """Norm and direction of what a prompt changes in pure noise.

    The cosine is that of all latents as one vector; the authors' code takes it over the channels,
    place by place. The weights are theirs for Stable Diffusion 1.4, set by hand.

    Arguments:
        draws: K, how many noises are averaged.
        norm_weight: w_n, a unit of the norm.
        cosine_weight: w_c.

    References:
        Asthana and Belagiannis, 2026 (arXiv 2601.20642), and its code.
    """

    name: ClassVar[str] = "anisotropy"
    norm_weight: float = 1.0
    cosine_weight: float = 2.0

    @property
    def calls(self) -> int:
        return 4

    def at(self, model: Model, noise: Latents, prompts: Prompts) -> Float[Tensor, " B"]:
        norm = magnitude(model, noise, prompts.told, FIRST).cpu().double()
        blind = predicted_noise(model, noise, NEARLY_CLEAN, prompts.nothing)
        moved = predicted_noise(model, noise, NEARLY_CLEAN, prompts.told) - blind
        return self.norm_weight * norm + self.cosine_weight * cosine(moved, blind)


def cosine(one: Tensor, other: Tensor) -> Float[Tensor, " B"]:
    """The cosine of the angle of two batches of vectors; 0 where one of them has no length.

    Example:
        >>> cosine(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), torch.tensor([[3.0, 4.0]] * 2)).tolist()
        [1.0, 0.0]
    """
    a, b = one.flatten(1), other.flatten(1)
    length = a.norm(dim=1) * b.norm(dim=1)
    return torch.where(length > 0, (a * b).sum(1) / length.clamp(min=1e-300), 0.0)
