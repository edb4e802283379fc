"""Normalised correlation: the images themselves, made small and centred."""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.cards import EMBEDDERS
from solidmark.embed.embedder import EmbedderCard, unit_rows
from solidmark.embed.squares import Squares
from solidmark.late import Tensor, torch
from solidmark.types import Image


@dataclass(frozen=True)
class Pixels:
    """Pixels less the mean of their channel, so that brightness, contrast and tint do not count.

    .. math:: s(a, b) = \\frac{\\langle a - \\bar a, b - \\bar b \\rangle}
              {\\lVert a - \\bar a \\rVert \\, \\lVert b - \\bar b \\rVert}

    Images of any size are first resized to squares of one side. A blank image has no correlation
    with anything: its row is zero.

    Arguments:
        side: In pixels.

    Raises:
        BadInput: When the side is no size.

    References:
        Normalised cross-correlation (Lewis, 1995), at zero shift.
    """

    side: int = 32

    def __post_init__(self) -> None:
        Squares(self.side)

    @property
    def card(self) -> EmbedderCard:
        return EmbedderCard(
            "pixels",
            "",
            "",
            self.side,
            3 * self.side**2,
            EMBEDDERS["pixels"].paper,
            str(Squares(self.side)),
        )

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        # Sums of bytes are exact in float64, so a blank image leaves zeros and not rounding noise.
        values = torch.from_numpy(Squares(self.side).bytes(images)).to(torch.float64)
        return unit_rows((values - values.mean(dim=(1, 2), keepdim=True)).flatten(1), "pixels")
