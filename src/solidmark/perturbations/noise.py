"""Noise: every value is a little off."""

from dataclasses import dataclass
from typing import ClassVar

from solidmark.late import torch
from solidmark.perturbations.perturbation import Carded
from solidmark.randomness import normal
from solidmark.types import Image


@dataclass(frozen=True)
class Noise(Carded):
    """Gaussian noise on every value, cut off at black and white.

    Arguments:
        deviation: Its standard deviation, in [0, 1]; 0 changes nothing.
    """

    name: ClassVar[str] = "noise"
    strength: ClassVar[str] = "deviation"
    deviation: float = 0.1

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """The noisy picture."""
        noise = normal([generator], image.shape)[0].to(image)
        return (image + self.deviation * noise).clamp(0, 1)
