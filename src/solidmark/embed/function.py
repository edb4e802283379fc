"""Any function of images as an embedder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.embed.embedder import EmbedderCard, unit_rows
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.types import Image


@dataclass(frozen=True)
class Function:
    """Makes an embedder of a function: an encoder of one's own, such as one fitted to scans.

    Arguments:
        name: In tables.
        function: Takes images as `Embedder.embed` does, gives rows of any length and any device.
        dimensions: How many values a row has.
        version: Tells this function from its other versions, such as the hash of its weights.
            Cached vectors are found by it, so that one that was trained on gets new ones.
        input_size: The side in pixels that a network in it gets, if it is one.
        paper: Where it is described.

    Example:
        >>> def colours(images):
        ...     return torch.stack([image.mean((1, 2)) for image in images])
        >>> Function("colours", colours, dimensions=3, version="1").embed([torch.ones(3, 4, 4)])
        tensor([[0.5774, 0.5774, 0.5774]])
    """

    name: str
    function: Callable[[Sequence[Image]], Tensor]
    dimensions: int
    version: str
    input_size: int | None = None
    paper: str = ""

    @property
    def card(self) -> EmbedderCard:
        return EmbedderCard(
            self.name, "a function", self.version, self.input_size, self.dimensions, self.paper
        )

    def embed(self, images: Sequence[Image]) -> Float[Tensor, "B D"]:
        with torch.inference_mode():
            rows = self.function(images)
        expected = (len(images), self.dimensions)
        if tuple(rows.shape) != expected:
            raise BadInput(
                f'The embedder "{self.name}" gave values of shape {tuple(rows.shape)} where '
                f"{expected} was expected. Give one row an image."
            )
        return unit_rows(rows, self.name)
