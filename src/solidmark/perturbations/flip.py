"""Flip: the mirror image."""

from dataclasses import dataclass
from typing import ClassVar

from solidmark.late import torch
from solidmark.perturbations.perturbation import Carded
from solidmark.types import Image


@dataclass(frozen=True)
class Flip(Carded):
    """Left and right are exchanged, always: half of the queries of the published code were."""

    name: ClassVar[str] = "flip"
    strength: ClassVar[str] = ""

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """The mirror image; nothing is drawn."""
        return image.flip(-1)
