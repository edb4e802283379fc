"""From images to the latents of an autoencoder and back.

.. math:: z = (\\mathcal{E}(2x - 1) - b) \\, s, \\qquad x = (\\mathcal{D}(z / s + b) + 1) / 2

:math:`\\mathcal{E}` is the mode of what the encoder says, so nothing is drawn; s is the scaling
factor and b the shift factor of the autoencoder. Where its configuration has a mean and a standard
deviation of each channel, b is the mean and s is divided by the deviation.
"""

from dataclasses import dataclass
from typing import Any

from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.types import Images, Latents

MOMENTS = ("latents_mean", "latents_std")
"""Where a configuration has mean and deviation of each channel; both count, or neither."""


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
    def scale(self) -> float | Tensor:
        """s; one number a channel where the configuration has deviations."""
        scale = self._number("scaling_factor", 1.0)
        moments = self._moments()
        return scale if moments is None else scale / moments[1]

    @property
    def shift(self) -> float | Tensor:
        """b; one number a channel where the configuration has means."""
        moments = self._moments()
        return self._number("shift_factor", 0.0) if moments is None else moments[0]

    def __post_init__(self) -> None:
        """Checks what latents are multiplied with.

        Raises:
            BadInput: When it is not finite, or 0.
        """
        scale, shift = torch.as_tensor(self.scale), torch.as_tensor(self.shift)
        if not bool((scale.isfinite() & (scale != 0)).all() and shift.isfinite().all()):
            raise BadInput(
                f"The configuration of the {type(self.network).__name__} scales latents by "
                f"{self.scale} and shifts them by {self.shift}, which cannot be undone. Mend "
                "scaling_factor, shift_factor, latents_mean and latents_std in vae/config.json."
            )

    def _number(self, name: str, default: float) -> float:
        value = getattr(self.network.config, name, None)
        return default if value is None else float(value)

    def _moments(self) -> tuple[Tensor, Tensor] | None:
        """Mean and deviation of each channel, with shape (1, C, 1, 1)."""
        found = [getattr(self.network.config, name, None) for name in MOMENTS]
        if None in found:
            return None
        mean, deviation = (torch.tensor(value).float().reshape(1, -1, 1, 1) for value in found)
        channels = self.network.config.latent_channels
        if not mean.shape[1] == deviation.shape[1] == channels:
            raise BadInput(
                f"The configuration of the {type(self.network).__name__} has {mean.shape[1]} "
                f"latents_mean and {deviation.shape[1]} latents_std for {channels} channels. "
                "Mend vae/config.json."
            )
        return mean, deviation

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
        shift, scale = (_beside(value, z) for value in (self.shift, self.scale))
        return (z.float() - shift) * scale

    def decode(self, latents: Latents) -> Images:
        """Images, float32, on the scale of [0, 1] but not clamped to it."""
        network = self.network
        shift, scale = (_beside(value, latents) for value in (self.shift, self.scale))
        z = (latents / scale + shift).to(network.device, network.dtype)
        with torch.set_grad_enabled(latents.requires_grad):
            return network.decode(z).sample.float() / 2 + 0.5


def _beside(value: float | Tensor, latents: Tensor) -> float | Tensor:
    return value.to(latents.device) if isinstance(value, Tensor) else value


def factor_of(network: Any) -> int:
    """How many pixels along a side become one cell of the latents.

    Arguments:
        network: An autoencoder of diffusers.
    """
    config = network.config
    # `AutoencoderTiny` and `AutoencoderDC` have the first name, `AutoencoderKL` the second.
    blocks = config.get("encoder_block_out_channels") or config.block_out_channels
    return int(2 ** (len(blocks) - 1))
