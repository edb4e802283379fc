"""The entropy of the cross attention: how evenly the picture looks at the words of its prompt.

.. math:: a_j = \\frac{1}{L H P} \\sum_{l, h, p} A^{l, h}_{p, j}, \\qquad
          E(c) = -\\sum_j a_j \\ln a_j

A are the attention probabilities from P places to the tokens of the prompt, in H heads and L
layers, at pure noise before the first step of sampling. An ordinary prompt leaves nearly all
attention on its start token (low entropy); one that was memorized moves it to its own words: high =
memorized.
"""

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import MissingCapability
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.crossing import WORDLESS, layers_of, watched
from solidmark.measures.signals.kinds.from_noise import FromNoise, Prompts
from solidmark.mitigations.telling import bare
from solidmark.models.foreseen import Foreseen
from solidmark.types import Latents

FIRST = 0.981
"""The first of 50 steps of DDIM, as in the authors' code."""


@dataclass(frozen=True)
class AttentionEntropy(FromNoise):
    """The entropy of the mean attention to the tokens of a prompt, at the first step.

    Over all layers; the authors' cheap variant takes the fourth, their dear one the last steps of a
    whole drawing.

    Arguments:
        draws: How many noises are averaged.

    References:
        Ren et al., 2024 ("Unveiling and mitigating memorization in text-to-image diffusion models
        through cross attention"), and its code.
    """

    name: ClassVar[str] = "attention-entropy"

    @property
    def calls(self) -> int:
        return 1

    def require(self, model: Model, sample: Sample) -> None:
        adapter = bare(model)
        if not isinstance(adapter, Foreseen):
            layers_of(model, self.name)
        elif not adapter.captioned:
            raise MissingCapability(WORDLESS.format(self.name))

    def at(self, model: Model, noise: Latents, prompts: Prompts) -> Float[Tensor, " B"]:
        with watched(layers_of(model, self.name), lambda attention: attention.mean(1)) as seen:
            model.denoise(noise, FIRST, prompts.told)
        return entropy_of(torch.stack([torch.cat(parts) for parts in seen]).mean(0))


def entropy_of(attention: Float[Tensor, "B T"]) -> Float[Tensor, " B"]:
    """The entropy of shares that sum to 1, in nats.

    Example:
        >>> [round(float(e), 3) for e in entropy_of(torch.tensor([[0.25] * 4, [1.0, 0, 0, 0]]))]
        [1.386, 0.0]
    """
    shares = attention / attention.sum(dim=1, keepdim=True)
    return torch.special.entr(shares).sum(1)
