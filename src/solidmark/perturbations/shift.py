"""Shift: the picture is moved inside its frame."""

from dataclasses import dataclass
from typing import ClassVar

from solidmark.late import functional, torch
from solidmark.perturbations.perturbation import Carded
from solidmark.types import Image


@dataclass(frozen=True)
class Shift(Carded):
    """Moves the picture by the same number along both axes; what is uncovered is reflected.

    Arguments:
        offset: Whole pixels from 1 on, a share of the shorter side below 1; 0 changes nothing.
    """

    name: ClassVar[str] = "shift"
    strength: ClassVar[str] = "offset"
    offset: float = 1.0

    def pixels(self, side: int) -> int:
        """How many pixels that is, where the shorter side has so many."""
        return round(self.offset if self.offset >= 1 else self.offset * side)

    def least(self, side: int) -> int:
        return 1 + self.pixels(side)

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """The moved picture: up or down, left or right, each as likely as the other."""
        height, width = image.shape[-2:]
        p = self.pixels(min(height, width))
        down, right = (torch.rand(2, generator=generator) < 0.5).tolist()
        wide = functional.pad(image[None], (p, p, p, p), mode="reflect")[0]
        top, left = 2 * p * (not down), 2 * p * (not right)
        return wide[:, top : top + height, left : left + width]
