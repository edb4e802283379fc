"""Sampling: from noise to what a model draws.

.. math:: z_1 \\sim \\mathcal{N}(0, I), \\qquad z_s = \\mathrm{step}(z_t, \\hat z_0(z_t, t), t, s)
"""

from collections.abc import Sequence
from itertools import pairwise

from solidmark.diffusion import Denoiser, Sampler, spaced_times
from solidmark.late import torch
from solidmark.randomness import normal
from solidmark.types import Latents


def draw(
    denoiser: Denoiser,
    like: Latents,
    generators: "Sequence[torch.Generator]",
    *,
    steps: int = 50,
    eta: float = 0.0,
) -> Latents:
    """Draws a batch, each row from a generator of its own.

    The times are those that diffusers calls `trailing`: they begin at the noisiest.

    Arguments:
        denoiser: The model, told what to draw.
        like: Latents of the shape, the type and the device of those to be drawn, any number.
        generators: One an image.
        steps: Network calls an image; twice as many with guidance.
        eta: 0 = deterministic (DDIM), 1 = ancestral (DDPM).

    Returns:
        Latents, with shape (len(generators), \\*like.shape[1:]).

    References:
        Song et al., 2021, Eq. 12; Ho et al., 2020, Algorithm 2.
    """
    sampler = Sampler(denoiser.model.schedule, eta)
    z = normal(generators, like.shape[1:]).to(like)
    for t, s in pairwise([*spaced_times(steps), -1.0]):
        noise = normal(generators, like.shape[1:]).to(like) if eta else torch.zeros_like(z)
        z = sampler.step(z, denoiser(z, t), noise, t, s)
    return z
