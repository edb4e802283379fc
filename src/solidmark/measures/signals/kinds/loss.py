"""The denoising loss: how much of the noise in an image the model cannot tell from the image.

.. math:: \\ell(x) = \\frac1K \\sum_j \\frac1d
                     \\lVert \\hat\\epsilon(x_{t_j}, t_j, c) - \\epsilon_j \\rVert^2_2

It is what the model was trained to make small on its training images: low = memorized. It is low
for plain images too, memorized or not, so it says little without held-out ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.diffusion.noise import noise_per_latent
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.noised import even_times, noised
from solidmark.measures.signals.kinds.signal import SignalCard


@dataclass(frozen=True)
class Loss:
    """The mean squared error of the predicted noise, of a flow the velocity, over even times.

    The model is told the caption or class that it was trained with.

    Arguments:
        times: K, how many times, each with noise of its own.

    References:
        Matsumoto et al., 2023 ("Membership inference attacks against diffusion models"), and
        Carlini et al., 2023, Section 5.2, who take one time; the mean over times is ours.
    """

    times: int = 8

    def __post_init__(self) -> None:
        if self.times < 1:
            raise BadInput(f"A loss takes 1 or more times, not {self.times}.")

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("loss", self.times)

    def require(self, model: Model, sample: Sample) -> None:
        """Every model can be asked."""

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        condition = model.condition(samples)
        total = torch.zeros(len(samples), dtype=torch.float64)
        for t, z_t, z_0 in noised(model, samples, generators, even_times(self.times)):
            missed = noise_per_latent(model.schedule, t) * (model.denoise(z_t, t, condition) - z_0)
            total += missed.cpu().double().square().flatten(1).mean(1)
        return total / self.times
