"""Pixel-space U-Nets of diffusers, with or without classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

import torch
from jaxtyping import Int
from torch import Tensor

from solidmark.data import Sample
from solidmark.diffusion import DiscreteSchedule, Prediction, to_sample
from solidmark.errors import BadInput, UnknownName
from solidmark.types import Images, Latents

Precision = Literal["fp32", "bf16", "fp16"]
_DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class PixelModel:
    """A `UNet2DModel` as a denoiser.

    Arguments:
        unet: The network, in evaluation mode, on its device.
        schedule: The discrete schedule that it was trained with.
        prediction: What its output means.
        precision: The type it computes in; everything around it stays float32.
    """

    unet: Any
    schedule: DiscreteSchedule
    prediction: Prediction = "epsilon"
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        if self.precision not in get_args(Precision):
            raise UnknownName("precision", self.precision, get_args(Precision))

    @property
    def channels(self) -> int:
        return int(self.unet.config.in_channels)

    @property
    def classes(self) -> int:
        """How many classes it knows; 0 = unconditional."""
        return int(self.unet.config.num_class_embeds or 0)

    @property
    def sample_size(self) -> tuple[int, int] | None:
        """The height and width it was built for, in pixels, where its configuration says so."""
        size = self.unet.config.sample_size
        if not size:
            return None
        return (size, size) if isinstance(size, int) else (int(size[0]), int(size[1]))

    def encode(self, images: Images) -> Latents:
        return images.to(self.unet.device) * 2 - 1

    def decode(self, latents: Latents) -> Images:
        return (latents.float() / 2 + 0.5).clamp(0, 1)

    def condition(self, samples: Sequence[Sample]) -> Int[Tensor, " B"] | None:
        """The class numbers of a batch, or None for an unconditional network.

        Raises:
            BadInput: When the network needs a class that an image does not have.
        """
        if not self.classes:
            return None
        for sample in samples:
            if sample.class_index is None or not 0 <= sample.class_index < self.classes:
                raise BadInput(
                    f"The model knows classes 0 to {self.classes - 1}, but image "
                    f'"{sample.id}" has class {sample.class_index}. '
                    'Mark the data with its classes ("--label-column" or "--class-folders").'
                )
        return torch.tensor([s.class_index for s in samples], device=self.unet.device)

    def denoise(self, z_t: Latents, t: float, condition: Int[Tensor, " B"] | None) -> Latents:
        alpha, sigma = self.schedule(t)
        step = torch.full((len(z_t),), self.schedule.index(t), device=z_t.device)
        cast = torch.autocast(
            z_t.device.type, _DTYPES.get(self.precision), enabled=self.precision in _DTYPES
        )
        # A reader that descends on the keys needs the gradient of its input; nobody else pays.
        with torch.set_grad_enabled(z_t.requires_grad), cast:
            output = self.unet(z_t, step, class_labels=condition).sample
        # A network that learned its variance gives it in the second half of the channels.
        return to_sample(output[:, : self.channels].float(), z_t, alpha, sigma, self.prediction)
