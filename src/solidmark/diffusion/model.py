"""The protocol of every diffusion model, pixel or latent, and a meter of network calls."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

from solidmark.data import Sample
from solidmark.diffusion.schedule import Schedule
from solidmark.late import Tensor, torch
from solidmark.types import Images, Latents, Times

Condition = Any
"""What `condition` returned: something with a row for each image, which can be sliced, or None.
Opaque outside the adapters and the mitigations."""


@runtime_checkable
class Model(Protocol):
    """A denoiser with its schedule, and the way from images to what it denoises."""

    @property
    def schedule(self) -> Schedule: ...

    @property
    def channels(self) -> int:
        """The channels of its images: 1 (grey) or 3."""
        ...

    @property
    def factor(self) -> int:
        """The pixels along a side of one cell of the latents; 1 for a model of pixels."""
        ...

    def encode(self, images: Images) -> Latents:
        """From images in [0, 1] to latents; a pixel model: 2x - 1. Differentiable, no noise."""
        ...

    def decode(self, latents: Latents) -> Images:
        """From latents to images: on the scale of [0, 1], but not clamped to it."""
        ...

    def condition(self, samples: Sequence[Sample]) -> Condition:
        """Captions, classes, or nothing, for a batch."""
        ...

    def unconditional(self, condition: Condition) -> Condition:
        """What says nothing about the images of a condition, for guidance.

        Raises:
            MissingCapability: When the model has no unconditional branch.
        """
        ...

    def denoise(self, z_t: Latents, t: Times, condition: Condition) -> Latents:
        """:math:`E[z_0 | z_t, c]`, whatever the network predicts, at one time or one a row."""
        ...


GRADIENT_COST = 2.3
"""Network calls that one call with the gradient of its input is charged as: never too few.

On the demo's network it takes the time of 1.9 calls (one thread, batches of 64).
"""


@dataclass
class Metered:
    """A model that is called with so many images at a time, and counts them.

    A call whose input or condition wants a gradient counts as 2.3 calls.

    Arguments:
        model: The model; everything is passed on to it.
        batch_size: The most images that one call of the network, or of the autoencoder, gets.
        told: Is told after each call how many images went through.
    """

    model: Model
    batch_size: int = 64
    told: Callable[[int], object] | None = None
    calls: float = field(default=0.0, init=False)

    @property
    def schedule(self) -> Schedule:
        return self.model.schedule

    @property
    def channels(self) -> int:
        return self.model.channels

    @property
    def factor(self) -> int:
        return self.model.factor

    def encode(self, images: Images) -> Latents:
        return self._through(self.model.encode, images)

    def decode(self, latents: Latents) -> Images:
        return self._through(self.model.decode, latents)

    def _through(self, way: Callable[[Tensor], Tensor], given: Tensor) -> Tensor:
        parts = []
        for part in given.split(self.batch_size):
            parts.append(way(part))
            self._tell(len(part))
        return torch.cat(parts)

    def _tell(self, count: int) -> None:
        if self.told is not None:
            self.told(count)

    def condition(self, samples: Sequence[Sample]) -> Condition:
        # A mitigation may ask the network what it would say, and counts how often.
        before = getattr(self.model, "calls", 0.0)
        condition = self.model.condition(samples)
        self.calls += getattr(self.model, "calls", 0.0) - before
        return condition

    def unconditional(self, condition: Condition) -> Condition:
        return self.model.unconditional(condition)

    def denoise(self, z_t: Latents, t: Times, condition: Condition) -> Latents:
        wanted = z_t.requires_grad or getattr(condition, "requires_grad", False)
        self.calls += len(z_t) * (GRADIENT_COST if wanted else 1)
        parts = []
        for start in range(0, len(z_t), self.batch_size):
            rows = slice(start, start + self.batch_size)
            part = None if condition is None else condition[rows]
            time = t[rows] if isinstance(t, Tensor) else t
            parts.append(self.model.denoise(z_t[rows], time, part))
            self._tell(len(z_t[rows]))
        return torch.cat(parts)
