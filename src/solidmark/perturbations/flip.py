"""Flip: the mirror image."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from solidmark.cards.spelled import Preset
from solidmark.late import torch
from solidmark.perturbations.perturbation import ONE
from solidmark.types import Image


@dataclass(frozen=True)
class Flip:
    """Left and right are exchanged, always: half of the queries of the published code were."""

    name: ClassVar[str] = "flip"
    strength: ClassVar[str] = ""
    presets: ClassVar[Mapping[str, Preset]] = ONE

    def least(self, side: int) -> int:
        return 1

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """The mirror image; nothing is drawn."""
        return image.flip(-1)
