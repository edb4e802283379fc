"""Two models in closed form, which need no training: what every measure is pointed at first.

`Memorizer` is the optimal denoiser of a finite training set: it has memorized everything.
`Gaussian` knows two moments of the data: it has memorized nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from jaxtyping import Float
from torch import Tensor

from solidmark.data import Sample
from solidmark.diffusion import DiscreteSchedule, Schedule, beta_schedule
from solidmark.types import Images, Latents


def _cosine() -> DiscreteSchedule:
    return beta_schedule("cosine")


@dataclass(frozen=True)
class _Analytic:
    """What the two have in common: images in, latents in [-1, 1], no condition."""

    images: Images
    schedule: Schedule = field(default_factory=_cosine)

    @property
    def channels(self) -> int:
        return self.images.shape[1]

    @property
    def sample_size(self) -> tuple[int, int]:
        return self.images.shape[-2], self.images.shape[-1]

    def encode(self, images: Images) -> Latents:
        return images * 2 - 1

    def decode(self, latents: Latents) -> Images:
        return (latents / 2 + 0.5).clamp(0, 1)

    def condition(self, samples: Sequence[Sample]) -> None:
        return None


@dataclass(frozen=True)
class Memorizer(_Analytic):
    """The posterior mean when the training set is all there is.

    .. math::
        E[z_0 | z_t] = \\sum_i w_i x_i, \\qquad
        w \\propto \\exp(-\\lVert z_t - \\alpha_t x_i \\rVert^2 / 2 \\sigma_t^2)

    Arguments:
        images: The training images, marked, in [0, 1], with shape (N, C, H, W).
        schedule: Any; the cosine schedule of 1000 steps when none is given.
    """

    def denoise(self, z_t: Latents, t: float, condition: None = None) -> Latents:
        alpha, sigma = self.schedule(t)
        x = self.encode(self.images.double()).flatten(1)
        z = z_t.double().flatten(1)
        # |z - a x|^2 without |z|^2, which is the same for every x and cancels in the softmax.
        energy = alpha**2 * x.square().sum(1) - 2 * alpha * z @ x.T
        weights = torch.softmax(-energy / (2 * sigma**2), dim=1)
        return (weights @ x).reshape(z_t.shape).to(z_t.dtype)


@dataclass(frozen=True)
class Gaussian(_Analytic):
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
    """

    mean: Float[Tensor, " D"] = field(init=False)
    basis: Float[Tensor, "D R"] = field(init=False)
    variance: Float[Tensor, " R"] = field(init=False)

    def __post_init__(self) -> None:
        x = self.encode(self.images.double()).flatten(1)
        mean = x.mean(0)
        _, scale, basis = torch.linalg.svd(x - mean, full_matrices=False)
        object.__setattr__(self, "mean", mean)
        object.__setattr__(self, "basis", basis.T)
        object.__setattr__(self, "variance", scale.square() / len(x))

    def denoise(self, z_t: Latents, t: float, condition: None = None) -> Latents:
        alpha, sigma = self.schedule(t)
        z = z_t.double().flatten(1) - alpha * self.mean
        gain = alpha * self.variance / (alpha**2 * self.variance + sigma**2)
        x = self.mean + (z @ self.basis * gain) @ self.basis.T
        return x.reshape(z_t.shape).to(z_t.dtype)
