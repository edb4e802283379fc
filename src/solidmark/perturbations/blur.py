"""Blur: a Gaussian kernel over the picture."""

from dataclasses import dataclass
from typing import ClassVar

from solidmark.late import functional, torch
from solidmark.perturbations.perturbation import Carded
from solidmark.types import Image


@dataclass(frozen=True)
class Blur(Carded):
    """Gaussian blur with a kernel of k x k pixels.

    .. math:: \\sigma = 0.3 ((k - 1) / 2 - 1) + 0.8 = 0.15 k + 0.35

    That is what `gaussian_blur` of torchvision and `getGaussianKernel` of OpenCV take where only
    the kernel is given, as in the paper. The class `GaussianBlur` of torchvision draws the
    deviation from 0.1 to 2 instead.

    Arguments:
        kernel: k, odd; 1 changes nothing. It must fit into the picture.

    References:
        SolidMark (Kriplani et al., 2025), Appendix G.
    """

    name: ClassVar[str] = "blur"
    strength: ClassVar[str] = "kernel"
    kernel: int = 5

    @property
    def deviation(self) -> float:
        """The standard deviation of the kernel, in pixels."""
        return 0.15 * self.kernel + 0.35

    def least(self, side: int) -> int:
        return self.kernel

    def perturb(self, image: Image, generator: "torch.Generator") -> Image:
        """The blurred picture; nothing is drawn."""
        half = self.kernel // 2
        if half == 0:
            return image
        places = torch.arange(-half, half + 1, dtype=torch.float64)
        weights = torch.exp(-0.5 * (places / self.deviation) ** 2)
        weights = (weights / weights.sum()).to(image)
        rows = functional.pad(image[:, None], (half, half, half, half), mode="reflect")
        rows = functional.conv2d(rows, weights[None, None, None, :])
        return functional.conv2d(rows, weights[None, None, :, None])[:, 0].clamp(0, 1)
