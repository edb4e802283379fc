"""The pixel distances of the field: plain, modified and patched l2. Low = close.

.. math::
    \\ell_2(a, b) = \\sqrt{\\tfrac1d \\sum_i (a_i - b_i)^2}, \\qquad
    \\ell(\\hat x; X) =
    \\frac{\\ell_2(\\hat x, x)}{\\alpha \\cdot \\mathrm{mean}_{y \\in S} \\ell_2(\\hat x, y)}

x is the nearest training image and S the n nearest, x included. The patched distance is the
largest l2 of any two aligned tiles; its neighbours are searched by it, and it is rescaled the same
way. Without rescaling, images of little content are close to everything.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from numpy.typing import NDArray

from solidmark.errors import BadInput
from solidmark.neighbours.search import Neighbours


@dataclass(frozen=True)
class PixelDistance:
    """A distance between images of one size.

    Arguments:
        name: As in tables.
        tiles: g of the g x g grid of tiles; 1 = the whole image.
        n: How many neighbours the distance is rescaled by; 0 = not at all.
        alpha: What the mean distance to them is multiplied with.

    References:
        Carlini et al., "Extracting training data from diffusion models", 2023, section 4;
        SolidMark (Kriplani et al., 2025), section 3.1 and Appendix A.
    """

    name: str
    tiles: int = 1
    n: int = 0
    alpha: float = 0.5

    def __post_init__(self) -> None:
        if self.tiles < 1 or self.n < 0 or not self.alpha > 0:
            raise BadInput(
                "A distance takes 1 or more tiles, 0 or more neighbours and an alpha above 0, not "
                f"{self.tiles}, {self.n}, {self.alpha}."
            )

    @property
    def parts(self) -> int:
        """Tiles of an image."""
        return self.tiles**2

    def report(
        self, found: Neighbours
    ) -> tuple[Float[NDArray[np.float64], " Q"], Float[NDArray[np.float64], " Q"] | None]:
        """The distance of each query to its nearest image, and what it was before rescaling.

        Where all n neighbours are the image itself there is no scale: the distance is 0.

        Arguments:
            found: `n` neighbours or more; fewer where there are not so many images.
        """
        nearest = found.distance[:, 0]
        if not self.n:
            return nearest, None
        scale = self.alpha * found.distance[:, : self.n].mean(axis=1)
        rescaled = np.divide(nearest, scale, out=np.zeros_like(nearest), where=scale > 0)
        return rescaled, nearest


def l2() -> PixelDistance:
    """The plain root mean square difference, in [0, 1]."""
    return PixelDistance("l2")


def modified_l2(n: int = 50, alpha: float = 0.5) -> PixelDistance:
    """Rescaled by the neighbourhood: below 1 = suspicious, at most 1 / alpha."""
    return PixelDistance("modified-l2", n=n, alpha=alpha)


def patched_l2(tiles: int = 4, n: int = 50, alpha: float = 0.5) -> PixelDistance:
    """The largest l2 of any two aligned tiles, rescaled: below 1 = suspicious."""
    return PixelDistance("patched-l2", tiles, n, alpha)


PIXEL_DISTANCES: dict[str, Callable[..., PixelDistance]] = {
    "l2": l2,
    "modified-l2": modified_l2,
    "patched-l2": patched_l2,
}
"""The distances by name; what each can be told, its card says."""
