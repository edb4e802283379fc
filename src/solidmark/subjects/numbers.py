"""A model that must answer with numbers, for what is chosen on several answers together."""

from dataclasses import dataclass

from solidmark.diffusion import Condition, Metered
from solidmark.late import torch
from solidmark.types import Latents, Times


class NoNumber(ArithmeticError):
    """An answer was not finite."""


@dataclass
class Sober(Metered):
    """A model whose every answer is finite: at the first that is not, it gives up.

    Means and spreads over several images would carry one such answer into all of them.
    """

    def denoise(self, z_t: Latents, t: Times, condition: Condition) -> Latents:
        """As of the model.

        Raises:
            NoNumber: When an answer is not finite.
        """
        answer = super().denoise(z_t, t, condition)
        if not bool(torch.isfinite(answer.detach()).all()):
            raise NoNumber
        return answer
