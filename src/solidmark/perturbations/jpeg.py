"""JPEG: the picture as it comes back from a file that loses."""

import io
from dataclasses import dataclass
from typing import ClassVar

from solidmark.data import to_picture, to_tensor
from solidmark.late import torch
from solidmark.perturbations.perturbation import Carded
from solidmark.types import Image


@dataclass(frozen=True)
class JPEG(Carded):
    """Compression as Pillow does it, colours at half the resolution.

    Arguments:
        quality: That of libjpeg, from 1 to 100; high = good.
    """

    name: ClassVar[str] = "jpeg"
    strength: ClassVar[str] = "quality"
    quality: int = 75

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """The compressed picture; nothing is drawn."""
        from PIL import Image as Picture

        file = io.BytesIO()
        to_picture(image).save(file, "JPEG", quality=self.quality, subsampling="4:2:0")
        with Picture.open(file) as opened:
            return to_tensor(opened).to(image)
