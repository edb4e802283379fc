"""The path of deterministic sampling with guidance, and what the prompt changes along it."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from solidmark.diffusion import Model, Sampler, spaced_times
from solidmark.diffusion.noise import noise_per_latent
from solidmark.late import Tensor
from solidmark.measures.signals.kinds.from_noise import Prompts
from solidmark.types import Latents


@dataclass(frozen=True)
class Step:
    """A place on the path.

    Arguments:
        t: The time, in (0, 1).
        z: The latents there, with shape (B, c, h, w).
        moved: What the prompt changes of the predicted latents, with the same shape.
        noise: How much of the predicted noise that is, a unit of latents.
    """

    t: float
    z: Latents
    moved: Tensor
    noise: float


@dataclass(frozen=True)
class Guided:
    """Deterministic sampling under classifier-free guidance.

    Arguments:
        model: The model.
        prompts: Of the batch.
        guidance: The scale; 1 = what the prompt says alone.
        steps: Of how many steps the whole path is.

    References:
        Ho and Salimans, 2021; Song et al., 2021 (DDIM).
    """

    model: Model
    prompts: Prompts
    guidance: float
    steps: int

    def walk(self, noise: Latents) -> Iterator[Step]:
        """The steps from noise on; each costs two network calls when it is asked for."""
        sampler = Sampler(self.model.schedule, eta=0.0)
        z = noise
        for t, s in pairwise([*spaced_times(self.steps), -1.0]):
            blind = self.model.denoise(z, t, self.prompts.nothing)
            moved = self.model.denoise(z, t, self.prompts.told) - blind
            yield Step(t, z, moved, noise_per_latent(self.model.schedule, t))
            # Without noise: eta is 0.
            z = sampler.step(z, blind + self.guidance * moved, z, t, s)
