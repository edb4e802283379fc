"""The loss of a denoising network.

.. math:: z_t = \\alpha_t z_0 + \\sigma_t \\epsilon, \\qquad
    L = \\sum_i w_i \\, \\mathrm{mean} (f(z_{t, i}, t_i) - y_i)^2

with :math:`y = \\epsilon`, :math:`z_0`, or :math:`\\alpha_t \\epsilon - \\sigma_t z_0`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from solidmark.diffusion import Prediction
from solidmark.training.batches import Batch

Target = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
TARGETS: dict[Prediction, Target] = {
    "epsilon": lambda z_0, noise, alpha, sigma: noise,
    "v_prediction": lambda z_0, noise, alpha, sigma: alpha * noise - sigma * z_0,
    "sample": lambda z_0, noise, alpha, sigma: z_0,
}


@dataclass(frozen=True)
class DenoisingLoss:
    """The weighted mean squared error of one pass.

    Arguments:
        alphas_cumprod: Of the scheduler that is saved with the network, on the device.
        prediction: What the network says.

    References:
        Ho et al., 2020 (epsilon); Salimans and Ho, 2022 (v).
    """

    alphas_cumprod: Float[Tensor, " T"]
    prediction: Prediction

    def __call__(self, unet: Any, batch: Batch) -> Float[Tensor, ""]:
        """Shows the network noisy images.

        Arguments:
            unet: Any `UNet2DModel`.
            batch: On the same device.
        """
        z_0 = batch.images.float() / 255 * 2 - 1
        alpha_bar = self.alphas_cumprod[batch.times].float()[:, None, None, None]
        alpha, sigma = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        z_t = alpha * z_0 + sigma * batch.noise
        output = unet(z_t, batch.times, class_labels=batch.labels).sample.float()
        errors = output - TARGETS[self.prediction](z_0, batch.noise, alpha, sigma)
        return (batch.weights * errors.square().flatten(1).mean(1)).sum()


def to_device(batch: Batch, device: torch.device) -> Batch:
    """Moves a batch."""
    images, times, noise, weights = (
        tensor.to(device, non_blocking=True)
        for tensor in (batch.images, batch.times, batch.noise, batch.weights)
    )
    labels = None if batch.labels is None else batch.labels.to(device, non_blocking=True)
    return Batch(images, times, noise, labels, weights)
