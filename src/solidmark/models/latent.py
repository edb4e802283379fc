"""Latent diffusion models of every family, behind the `Model` protocol.

What the families share stands here: an autoencoder round a denoiser with a schedule. What differs,
how captions and classes become numbers and how the network is called, is a `Family`, one file each.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import (
    DiscreteSchedule,
    FlowSchedule,
    Prediction,
    moments,
    times_told,
    to_sample,
)
from solidmark.late import Tensor, torch
from solidmark.models.conditions import Conditions
from solidmark.models.vae import Vae
from solidmark.types import Images, Latents, Times


class Family(Protocol):
    """How the networks of one family are told what to draw."""

    @property
    def name(self) -> str:
        """The name that people know it by."""
        ...

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        """What the network is told of a batch: captions, classes, sizes.

        Raises:
            BadInput: When an image lacks what the network has to be told.
        """
        ...

    def unconditional(self, condition: Conditions) -> Conditions:
        """The same batch without its captions or classes, for guidance.

        Raises:
            MissingCapability: When the network was never trained without them.
        """
        ...

    def predict(
        self, network: Any, z_t: Latents, time: Float[Tensor, " B"], condition: Conditions
    ) -> Latents:
        """Calls the network.

        Arguments:
            network: The denoiser, or what a trainer has wrapped round it.
            z_t: Noisy latents, of the network's own type.
            time: What the schedule's `network_time` gives, one an image.
            condition: One row an image.

        Returns:
            What the network predicts, with the shape of `z_t`.
        """
        ...


@dataclass(frozen=True)
class LatentModel:
    """A latent diffusion model.

    Arguments:
        network: The denoiser, in evaluation mode, on its device, in its precision.
        vae: The autoencoder.
        family: How the network is told what to draw.
        schedule: What it was trained with.
        prediction: What its output means.
        notes: What whoever reads its answers must know of how it was opened.
    """

    network: Any
    vae: Vae
    family: Family
    schedule: DiscreteSchedule | FlowSchedule
    prediction: Prediction
    notes: tuple[str, ...] = ()

    @property
    def channels(self) -> int:
        return 3

    @property
    def factor(self) -> int:
        return self.vae.factor

    @property
    def sample_size(self) -> tuple[int, int] | None:
        """The height and width it was built for, in pixels, where its configuration says so."""
        size = self.network.config.get("sample_size")
        if not size:
            return None
        height, width = (size, size) if isinstance(size, int) else size
        return self.factor * int(height), self.factor * int(width)

    @property
    def captioned(self) -> bool:
        """Whether it draws from captions: its family embeds texts. DiT needs a class instead."""
        return hasattr(self.family, "embed")

    @property
    def multiple(self) -> int:
        """What the sides of an image must be multiples of, in pixels."""
        config = self.network.config
        if "patch_size" in config:
            # Flux packs 2 x 2 cells into the channels of one before its network sees them.
            packed = config.in_channels == 4 * self.vae.network.config.latent_channels
            return self.factor * int(config.patch_size or 1) * (2 if packed else 1)
        return self.factor  # A U-Net of diffusers rounds up where it cannot halve.

    def encode(self, images: Images) -> Latents:
        return self.vae.encode(images).to(self.network.device)

    def decode(self, latents: Latents) -> Images:
        return self.vae.decode(latents)

    def condition(self, samples: Sequence[Sample]) -> Conditions:
        return self.family.condition(samples)

    def unconditional(self, condition: Conditions) -> Conditions:
        return self.family.unconditional(condition)

    def denoise(self, z_t: Latents, t: Times, condition: Conditions) -> Latents:
        alpha, sigma = moments(self.schedule, t)
        network = self.network
        device, dtype = network.device, network.dtype  # For each, diffusers walks all modules.
        condition = condition.map(lambda tensor: _on(tensor, device, dtype))
        time = times_told(self.schedule.network_time, t, len(z_t)).to(z_t.device)
        # A reader that descends on the keys needs the gradient of its input, and a mitigation
        # that changes the prompt that of the condition; nobody else pays.
        with torch.set_grad_enabled(z_t.requires_grad or condition.requires_grad):
            output = self.family.predict(network, z_t.to(dtype), time, condition)
        return to_sample(output.float(), z_t, alpha, sigma, self.prediction)


def _on(tensor: Tensor, device: Any, dtype: Any) -> Tensor:
    """On a device, and in a precision unless it holds whole numbers."""
    return tensor.to(device, dtype if tensor.is_floating_point() else tensor.dtype)
