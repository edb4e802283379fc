"""The loss of a denoising network.

.. math:: z_t = \\alpha_t z_0 + \\sigma_t \\epsilon, \\qquad
    L = \\sum_i w_i \\, v(t_i) \\, \\mathrm{mean} (f(z_{t, i}, t_i) - y_i)^2

with :math:`y = \\epsilon`, :math:`z_0`, :math:`\\alpha_t \\epsilon - \\sigma_t z_0`, or
:math:`\\epsilon - z_0` for a flow; and :math:`v = 1`, or a weight that keeps times with little
noise from ruling the gradient.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from jaxtyping import Float

from solidmark.diffusion import DiscreteSchedule, FlowSchedule, Prediction
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.models import Conditions
from solidmark.models.conditions import CLASSES
from solidmark.training.batches import Batch

Target = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
TARGETS: dict[Prediction, Target] = {
    "epsilon": lambda z_0, noise, alpha, sigma: noise,
    "v_prediction": lambda z_0, noise, alpha, sigma: alpha * noise - sigma * z_0,
    "sample": lambda z_0, noise, alpha, sigma: z_0,
    "flow_prediction": lambda z_0, noise, alpha, sigma: noise - z_0,
}
SNR_WEIGHTS: dict[Prediction, Callable[[Tensor, float], Tensor]] = {
    "epsilon": lambda snr, gamma: snr.clamp(max=gamma) / snr,
    "v_prediction": lambda snr, gamma: snr.clamp(max=gamma) / (snr + 1),
    "sample": lambda snr, gamma: snr.clamp(max=gamma),
}

Call = Callable[[Any, Tensor, Tensor, Conditions | None], Tensor]
"""Shows noisy latents to a network: (network, z_t, network time, condition) -> its output."""


def call_unet(
    unet: Any, z_t: Tensor, time: Tensor, condition: Conditions | None
) -> Float[Tensor, "B C H W"]:
    """Shows noisy images to a pixel-space `UNet2DModel`."""
    classes = None if condition is None else condition.tensors[CLASSES]
    return unet(z_t, time, class_labels=classes).sample


@dataclass(frozen=True)
class DenoisingLoss:
    """The weighted mean squared error of one pass.

    Arguments:
        schedule: Of the scheduler that is saved with the network.
        prediction: What the network says.
        call: How it is called.
        snr_gamma: The largest signal-to-noise ratio that counts in full; 0 = all do.

    Raises:
        BadInput: When a flow is to be weighted by its signal-to-noise ratio.

    References:
        Ho et al., 2020 (epsilon); Salimans and Ho, 2022 (v); Lipman et al., 2023 (flow); Hang et
        al., 2023 (min-SNR).
    """

    schedule: DiscreteSchedule | FlowSchedule
    prediction: Prediction
    call: Call = call_unet
    snr_gamma: float = 0.0

    def __post_init__(self) -> None:
        if self.snr_gamma and self.prediction not in SNR_WEIGHTS:
            raise BadInput(
                f"snr_gamma is for networks that predict {', '.join(SNR_WEIGHTS)}, this one "
                f'predicts "{self.prediction}". Use 0.'
            )

    def __call__(self, network: Any, batch: Batch) -> Float[Tensor, ""]:
        """Shows the network noisy images.

        Arguments:
            network: The network, or what accelerate has wrapped round it.
        """
        z_0 = clean(batch.images)
        alpha, sigma, time = self.schedule.at(batch.times)
        alpha, sigma = alpha[:, None, None, None], sigma[:, None, None, None]
        z_t = alpha * z_0 + sigma * batch.noise
        output = self.call(network, z_t, time, batch.condition).float()
        errors = output - TARGETS[self.prediction](z_0, batch.noise, alpha, sigma)
        means = errors.square().flatten(1).mean(1)
        if self.snr_gamma:
            snr = (alpha / sigma).square().flatten()
            means = means * SNR_WEIGHTS[self.prediction](snr, self.snr_gamma)
        return (batch.weights * means).sum()


def clean(images: Tensor) -> Tensor:
    """What is denoised: bytes become [-1, 1], latents stay as they are."""
    return images.float() / 255 * 2 - 1 if images.dtype == torch.uint8 else images


def to_device(batch: Batch, device: "torch.device") -> Batch:
    """Moves a batch."""
    images, times, noise, weights = (
        tensor.to(device, non_blocking=True)
        for tensor in (batch.images, batch.times, batch.noise, batch.weights)
    )
    condition = batch.condition
    if condition is not None:
        condition = condition.map(lambda tensor: tensor.to(device, non_blocking=True))
    return Batch(images, times, noise, condition, weights)
