"""Two models in closed form, which need no training: what every measure is pointed at first.

`Memorizer` is the optimal denoiser of a finite training set: it has memorized everything.
`Gaussian` knows two moments of the data: it has memorized nothing. (`averages.py` has what lies
between them: a model that knows the training images, but only on average.)
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Schedule, beta_schedule
from solidmark.late import Tensor, torch
from solidmark.models.codec import Codec, Pixels
from solidmark.models.conditions import Conditions
from solidmark.types import Images, Latents, Times


def alpha_and_sigma(
    schedule: Schedule, t: Times
) -> tuple[Float[Tensor, "#B 1"], Float[Tensor, "#B 1"]]:
    """(alpha, sigma) of the times, in double precision.

    A flow has no noise left at t = 0, where a posterior needs some.
    """
    times = t.tolist() if isinstance(t, Tensor) else [t]
    pairs = torch.tensor([schedule(time) for time in times], dtype=torch.float64)
    alpha, sigma = pairs.split(1, dim=1)
    return alpha, sigma.clamp(min=1e-6)


@dataclass(frozen=True)
class Analytic:
    """What models in closed form share: images in, and no condition unless one is given."""

    images: Images
    schedule: Schedule = field(default_factory=lambda: beta_schedule("cosine"))
    codec: Codec = field(default_factory=Pixels)

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def sample_size(self) -> tuple[int, int]:
        return self.images.shape[-2], self.images.shape[-1]

    @property
    def factor(self) -> int:
        return self.codec.factor

    def encode(self, images: Images) -> Latents:
        return self.codec.encode(images)

    def decode(self, latents: Latents) -> Images:
        return self.codec.decode(latents)

    def condition(self, samples: Sequence[Sample]) -> Conditions | None:
        return None

    def unconditional(self, condition: Conditions | None) -> Conditions | None:
        """One that is told nothing anyway is not changed by guidance."""
        return None


@dataclass(frozen=True)
class Memorizer(Analytic):
    """The posterior mean when the training set is all there is.

    .. math::
        E[z_0 | z_t] = \\sum_i w_i x_i, \\qquad
        w \\propto \\exp(-\\lVert z_t - \\alpha_t x_i \\rVert^2 / 2 \\sigma_t^2)

    Where images came with captions or classes, the sum is over those that were told the same.

    Arguments:
        images: The training images, marked, in [0, 1], with shape (N, C, H, W).
        schedule: Any; the cosine schedule of 1000 steps when none is given.
        codec: The pixels, or the autoencoder of a latent model.
        told: What each image came with, N words; None where nothing is told.
        telling: What an image of a query comes with.
    """

    told: tuple[str, ...] | None = None
    telling: Callable[[Sample], str] = field(default=lambda sample: sample.caption or "")
    latents: Float[Tensor, "N D"] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        # On the CPU, whatever the autoencoder runs on: not every device has double precision.
        object.__setattr__(self, "latents", self.encode(self.images).cpu().double().flatten(1))

    def condition(self, samples: Sequence[Sample]) -> Conditions | None:
        if self.told is None:
            return None
        fits = [[word == self.telling(sample) for word in self.told] for sample in samples]
        return Conditions({"fits": torch.tensor(fits)})

    def denoise(self, z_t: Latents, t: Times, condition: Conditions | None = None) -> Latents:
        alpha, sigma = alpha_and_sigma(self.schedule, t)
        x = self.latents
        z = z_t.cpu().double().flatten(1)
        # |z - a x|^2 without |z|^2, which is the same for every x and cancels in the softmax.
        energy = alpha**2 * x.square().sum(1) - 2 * alpha * z @ x.T
        if condition is not None:
            # Words that no image came with say nothing.
            fits = condition.tensors["fits"]
            energy = energy.masked_fill(~fits & fits.any(1, keepdim=True), math.inf)
        weights = torch.softmax(-energy / (2 * sigma**2), dim=1)
        return (weights @ x).reshape(z_t.shape).to(z_t)


@dataclass(frozen=True)
class Gaussian(Analytic):
    """The posterior mean when the data are normal with the moments of the images.

    .. math::
        E[z_0 | z_t] = \\mu + \\alpha_t \\Sigma
                       (\\alpha_t^2 \\Sigma + \\sigma_t^2 I)^{-1} (z_t - \\alpha_t \\mu)

    The moments of few images memorize: they span exactly those images. So show it images under
    keys drawn anew, several times over, and not the marked images themselves; then nothing in it
    depends on a true key.

    Arguments:
        images: What to take the moments of, in [0, 1], with shape (N, C, H, W).
        schedule: Any; the cosine schedule of 1000 steps when none is given.
        codec: The pixels, or the autoencoder of a latent model.
    """

    mean: Float[Tensor, " D"] = field(init=False)
    basis: Float[Tensor, "D R"] = field(init=False)
    variance: Float[Tensor, " R"] = field(init=False)

    def __post_init__(self) -> None:
        x = self.encode(self.images).cpu().double().flatten(1)
        mean = x.mean(0)
        _, scale, basis = torch.linalg.svd(x - mean, full_matrices=False)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "basis", basis.T)
        object.__setattr__(self, "variance", scale.square() / len(x))

    def denoise(self, z_t: Latents, t: Times, condition: None = None) -> Latents:
        alpha, sigma = alpha_and_sigma(self.schedule, t)
        z = z_t.cpu().double().flatten(1) - alpha * self.mean
        gain = alpha * self.variance / (alpha**2 * self.variance + sigma**2)
        x = self.mean + (z @ self.basis * gain) @ self.basis.T
        return x.reshape(z_t.shape).to(z_t)
