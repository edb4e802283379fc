"""Pixel-space U-Nets of diffusers, with or without classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

from solidmark.data import Sample
from solidmark.diffusion import DiscreteSchedule, Prediction, moments, times_told, to_sample
from solidmark.errors import MissingCapability, UnknownName
from solidmark.late import torch
from solidmark.models.classes import class_numbers
from solidmark.models.conditions import CLASS_SHIFT, CLASSES, Conditions, shifted
from solidmark.models.loading import Precision, dtype_of
from solidmark.types import Images, Latents, Times

NEVER_WITHOUT = (
    "The model was trained with classes and never without, so guidance has nothing to lead away "
    "from. Ask with a guidance of 1."
)


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
    def factor(self) -> int:
        return 1

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
        return latents.float() / 2 + 0.5

    def condition(self, samples: Sequence[Sample]) -> Conditions | None:
        """The class numbers of a batch, or None for an unconditional network.

        Raises:
            BadInput: When the network needs a class that an image does not have.
        """
        if not self.classes:
            return None
        numbers = class_numbers(samples, self.classes)
        return Conditions({CLASSES: numbers.to(self.unet.device)})

    def unconditional(self, condition: Conditions | None) -> None:
        """An unconditional network is told nothing anyway.

        Raises:
            MissingCapability: When the network knows classes, and none that means no class.
        """
        if self.classes:
            raise MissingCapability(NEVER_WITHOUT)

    def denoise(self, z_t: Latents, t: Times, condition: Conditions | None) -> Latents:
        alpha, sigma = moments(self.schedule, t)
        step = times_told(self.schedule.index, t, len(z_t)).to(z_t.device)
        cast = torch.autocast(
            z_t.device.type, dtype_of(self.precision), enabled=self.precision != "fp32"
        )
        # A reader that descends on the keys needs the gradient of its input; nobody else pays.
        wanted = z_t.requires_grad or (condition is not None and condition.requires_grad)
        classes = None if condition is None else condition.tensors[CLASSES]
        shift = None if condition is None else condition.get(CLASS_SHIFT)
        with (
            torch.set_grad_enabled(wanted),
            cast,
            shifted(getattr(self.unet, "class_embedding", None), shift),
        ):
            output = self.unet(z_t, step, class_labels=classes).sample
        # A network that learned its variance gives it in the second half of the channels.
        return to_sample(output[:, : self.channels].float(), z_t, alpha, sigma, self.prediction)
