"""A small autoencoder, trained on the images of a run under frames of greys that mean nothing.

.. math::
    L = \\mathrm{mean} (|e| + e^2) + \\lambda \\, \\mathrm{KL}(q(z | x) \\| N(0, I)),
    \\qquad e = \\mathcal{D}(z) - x, \\quad z = \\mu + e^{\\log \\sigma^2 / 2} \\xi

Every time an image is seen its frame is painted anew, so that all greys pass through, and no key of
an image can stay in the autoencoder.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from solidmark.cards.recipe import Recipe
from solidmark.marks import Pattern
from solidmark.randomness import LEVELS, seeded
from solidmark.training.batches import Batch
from solidmark.training.network import save_whole, twin
from solidmark.training.task import Task
from solidmark.types import MarkedImages

WIDTHS = (16, 32, 32)
"""Channels of the levels; three levels make a factor of 4."""

KL = 1e-5
"""What the divergence of a latent counts: enough to keep latents near the origin."""

AUTOENCODER = Recipe(
    max_train_steps=500,
    train_batch_size=16,
    learning_rate=3e-3,
    lr_scheduler="cosine",
    lr_warmup_steps=20,
    ema_decay=0.98,
    checkpointing_steps=100,
)
"""How it is trained: two minutes on one core at 64 px."""


class Autoencoding(torch.nn.Module):
    """An `AutoencoderKL` as one function of images and noise, so that it can be distributed."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        self.vae = vae

    def forward(self, images: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """The images that come back, on the scale [-1, 1], and the divergence of each.

        Arguments:
            images: In [-1, 1].
            noise: At least as many numbers an image as it has latents.
        """
        posterior = self.vae.encode(images).latent_dist
        xi = noise.flatten(1)[:, : posterior.mean[0].numel()].reshape(posterior.mean.shape)
        return self.vae.decode(posterior.mean + posterior.std * xi).sample, posterior.kl()


def build_autoencoder(seed: int) -> Autoencoding:
    """An untrained autoencoder with 4 channels and a factor of 4; a function of the seed."""
    from diffusers import AutoencoderKL

    with seeded(seed, "autoencoder"):
        vae = AutoencoderKL(
            block_out_channels=WIDTHS,
            down_block_types=("DownEncoderBlock2D",) * len(WIDTHS),
            up_block_types=("UpDecoderBlock2D",) * len(WIDTHS),
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=8,
            mid_block_add_attention=False,
        )
    return Autoencoding(vae)


@dataclass(frozen=True)
class Reconstruction:
    """The loss of the autoencoder.

    Arguments:
        pattern: Where frames are.

    References:
        Kingma and Welling, 2014; Rombach et al., 2022, Section 3.1.
    """

    pattern: Pattern

    def __call__(self, network: Any, batch: Batch) -> Float[Tensor, ""]:
        """Sends images through the autoencoder and back."""
        x = self.reframed(batch) * 2 - 1
        found, divergence = network(x, batch.noise)
        e = (found - x).flatten(1)
        # The square keeps the few coloured pixels of a drawing from being averaged away.
        errors = (e.abs() + e.square()).mean(1) + KL * divergence / x[0].numel()
        return (batch.weights * errors).sum()

    def reframed(self, batch: Batch) -> MarkedImages:
        """The images in frames of greys that their noise says."""
        images = batch.images.float() / 255
        draws = batch.noise.flatten(1)[:, -self.pattern.count :]
        keys = (torch.special.ndtr(draws) * LEVELS).floor().clamp(max=LEVELS - 1) / (LEVELS - 1)
        return self.pattern.apply(self.pattern.crop(images), keys)


def autoencoder_task(network: Autoencoding, pattern: Pattern) -> Task:
    """Training the autoencoder, saved as an `AutoencoderKL`."""

    def save(folder: Path, weights: Mapping[str, Tensor], facts: Mapping[str, Any]) -> None:
        bare = {name.removeprefix("vae."): tensor for name, tensor in weights.items()}
        save_whole(folder, twin(network.vae, bare).save_pretrained, facts)

    return Task("training the autoencoder", Reconstruction(pattern), save, 1)
