"""Crop: a random part of the picture, enlarged to its size."""

from dataclasses import dataclass
from typing import ClassVar

from solidmark.late import functional, torch
from solidmark.perturbations.perturbation import Carded
from solidmark.types import Image


@dataclass(frozen=True)
class Crop(Carded):
    """A random crop, resized back.

    The paper gives the size of the crop as (0.8, 0.8), which is taken as a share of each side.
    `RandomResizedCrop` of torchvision takes a share of the area, and changes the aspect ratio too:
    there 0.8 is a share of 0.894 of each side.

    Arguments:
        share: Of each side, in (0, 1]; 1 changes nothing.

    References:
        SolidMark (Kriplani et al., 2025), Appendix G.
    """

    name: ClassVar[str] = "crop"
    strength: ClassVar[str] = "share"
    share: float = 0.8

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """The crop; each of its places is as likely as the others."""
        sizes = tuple(image.shape[-2:])
        cut = image
        for axis, size in ((1, sizes[0]), (2, sizes[1])):
            length = max(1, round(self.share * size))
            # One draw whatever the share, so that a smaller crop lies at the like place.
            drawn = float(torch.rand((), generator=generator, dtype=torch.float64))
            cut = cut.narrow(axis, int(drawn * (size - length + 1)), length)
        if cut.shape == image.shape:
            return image
        back = functional.interpolate(cut[None], sizes, mode="bilinear", antialias=True)[0]
        return back.clamp(0, 1)
