"""From images to the latents of an autoencoder and back.

.. math:: z = (\\mathcal{E}(2x - 1) - b) \\, s, \\qquad x = (\\mathcal{D}(z / s + b) + 1) / 2

:math:`\\mathcal{E}` is the mode of what the encoder says, so nothing is drawn; s is the scaling
factor and b the shift factor of the autoencoder.
"""

from dataclasses import dataclass
from typing import Any

import torch

from solidmark.types import Images, Latents


@dataclass(frozen=True)
class Vae:
    """The autoencoder of a latent model: `AutoencoderKL`, `AutoencoderTiny`, `AutoencoderDC`.

    Arguments:
        network: The autoencoder, in evaluation mode.
        factor: The pixels along a side of one cell of the latents.

    References:
        Rombach et al., 2022, Section 3.1.
    """

    network: Any
    factor: int

    @property
    def scale(self) -> float:
        return float(getattr(self.network.config, "scaling_factor", None) or 1.0)

    @property
    def shift(self) -> float:
        return float(getattr(self.network.config, "shift_factor", None) or 0.0)

    def encode(self, images: Images) -> Latents:
        """The mode of the latents, float32, differentiable in the images."""
        network = self.network
        x = images.to(network.device, network.dtype) * 2 - 1
        with torch.set_grad_enabled(images.requires_grad):
            found = network.encode(x)
        if hasattr(found, "latent_dist"):
            z = found.latent_dist.mode()
        else:
            z = found.latents if hasattr(found, "latents") else found.latent
        return (z.float() - self.shift) * self.scale

    def decode(self, latents: Latents) -> Images:
        """Images, float32, on the scale of [0, 1] but not clamped to it."""
        network = self.network
        z = (latents / self.scale + self.shift).to(network.device, network.dtype)
        with torch.set_grad_enabled(latents.requires_grad):
            return network.decode(z).sample.float() / 2 + 0.5


def factor_of(network: Any) -> int:
    """How many pixels along a side become one cell of the latents.

    Arguments:
        network: An autoencoder of diffusers.
    """
    config = network.config
    # `AutoencoderTiny` and `AutoencoderDC` have the first name, `AutoencoderKL` the second.
    blocks = config.get("encoder_block_out_channels") or config.block_out_channels
    return int(2 ** (len(blocks) - 1))
