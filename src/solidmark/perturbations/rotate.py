"""Rotation: the picture is turned round its middle."""

from dataclasses import dataclass
from typing import ClassVar

from solidmark.late import functional, torch
from solidmark.perturbations.perturbation import Carded
from solidmark.types import Image


@dataclass(frozen=True)
class Rotate(Carded):
    """Rotation, bilinear, with corners filled by reflection.

    Turns by 180 degrees lose nothing, nor do those by 90 and 270 of a square. The paper turns
    pictures too, and gives no counts of it.

    Arguments:
        degrees: In [0, 360); 0 changes nothing. Below 90 the side is drawn at random, from there on
            it is counter-clockwise.

    References:
        SolidMark (Kriplani et al., 2025), Section 5.2.
    """

    name: ClassVar[str] = "rotate"
    strength: ClassVar[str] = "degrees"
    degrees: float = 15.0

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """The turned picture, of the same height and width."""
        degrees = self.degrees
        if degrees < 90 and torch.rand((), generator=generator) < 0.5:
            degrees = -degrees
        height, width = image.shape[-2:]
        if degrees % 180 == 0 or (degrees % 90 == 0 and height == width):
            return torch.rot90(image, round(degrees / 90), (1, 2))
        # Pixels are square, whatever the sides: the grid's axes are each half a side long.
        angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
        c, s = float(angle.cos()), float(angle.sin())
        matrix = torch.tensor([[[c, -s * height / width, 0], [s * width / height, c, 0]]]).to(image)
        grid = functional.affine_grid(matrix, [1, *image.shape], align_corners=False)
        turned = functional.grid_sample(
            image[None], grid, mode="bilinear", padding_mode="reflection", align_corners=False
        )
        return turned[0].clamp(0, 1)
