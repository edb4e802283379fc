"""What a reader is given and what it answers.

A reader never sees a key: a query holds the images without their marks. Whatever it computes is
therefore independent of the keys of images that the model has not memorized, which is what makes
the p-values exact.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

from jaxtyping import Float

from solidmark.diffusion import Model, touched
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.marks import Pattern
from solidmark.types import Images, Keys, MarkedImages, Mask

NEUTRAL = 0.5
"""The grey that stands where nothing is known of a key."""

Calibration = Mapping[str, Any]
"""What a reader chose on the data without the keys, as JSON values."""


@dataclass(frozen=True)
class Query:
    """A batch of questions.

    Arguments:
        images: The cropped images, without marks, in [0, 1].
        pattern: Where the keys would be.
        condition: What `model.condition` said of these images.
        generators: One an image, for readers that draw noise.
    """

    images: Images
    pattern: Pattern
    condition: Any
    generators: "Sequence[torch.Generator]" = ()

    def frame(self, value: float | Keys = NEUTRAL) -> MarkedImages:
        """The images in a frame of given keys, or of one grey."""
        if isinstance(value, Tensor):
            return self.pattern.apply(self.images, value)
        shape = (len(self.images), self.pattern.count)
        return self.pattern.apply(self.images, torch.full(shape, value))

    def part(self, rows: slice) -> "Query":
        """The same question about some of the images."""
        told = None if self.condition is None else self.condition[rows]
        return Query(self.images[rows], self.pattern, told, self.generators[rows])

    def of(self, rows: Sequence[int]) -> "Query":
        """The images of some rows, for what asks nothing about them."""
        return Query(self.images[list(rows)], self.pattern, None)

    def painted(self, factor: int) -> Mask:
        """The cells of the latents that show the frame, or a part of it.

        Arguments:
            factor: The pixels along a side of a cell; 1 = the pixels themselves.
        """
        mask = self.pattern.mask(*self.pattern.marked_size(*self.images.shape[-2:]))
        return touched(mask, factor)


@dataclass(frozen=True)
class Reading:
    """The answers to a query.

    Arguments:
        keys: The keys read, with shape (B, M), in [0, 1].
        energies: `Energy`: the standardised log energy of each candidate, with shape (B, M, K), in
            standard deviations over the reference images; low = known.
        pictures: `Outpaint`: what the model drew, marked size, in [0, 1].
        path: `Gradient`, `Blend`: the log energy at each of the S points where a gradient was
            taken, the neutral frame first, with shape (B, S); low = known. How low it starts
            depends on the picture, how far it falls on what the model knows.
        features: `Fitted`: F looks at each key, standardised, with shape (B, M, F); which of them
            show a key is learned when they are scored.
    """

    keys: Keys
    energies: Float[Tensor, "B M K"] | None = None
    pictures: MarkedImages | None = None
    path: Float[Tensor, "B S"] | None = None
    features: Float[Tensor, "B M F"] | None = None


def require_asked_well(reader: str, t: float | None, frame_weight: float = 0.0) -> None:
    """Checks what several readers ask with: their time, and the weight of the frame's pixels.

    Raises:
        BadInput: When the time is not in (0, 1), or the weight not in [0, 1].
    """
    if t is not None and not 0 < t < 1:
        raise BadInput(f"{reader} asks at a time between 0 and 1, not at t = {t}.")
    if not 0 <= frame_weight <= 1:
        raise BadInput(f"{reader} weighs the frame in [0, 1], not with {frame_weight}.")


@runtime_checkable
class Reader(Protocol):
    """A way to ask a model for the keys of images. Its fields are its configuration."""

    name: ClassVar[str]

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """Chooses what can be chosen on the data, blind to the keys.

        Arguments:
            model: The model.
            query: Reference images: a subset of those that will be asked, both splits mixed.
        """
        ...

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        """How many images `calibrate` puts through a network or an autoencoder, one at a time.

        Arguments:
            images: How many reference images there are.
            pattern: Where their keys are.
            size: Their height and width with the frame, in pixels.
        """
        ...

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        """Asks the model for the keys of a batch; no row depends on another."""
        ...
