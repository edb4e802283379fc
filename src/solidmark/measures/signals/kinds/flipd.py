"""FLIPD: of how many dimensions the density of the model is round an image.

.. math:: d(x) = D - \\sigma_t \\, \\mathrm{tr} \\frac{\\partial \\hat\\epsilon}{\\partial x_t} +
                 \\lVert \\hat\\epsilon \\rVert^2_2, \\qquad x_t = \\alpha_t x

without noise. An image that was memorized is a point, one that was understood lies on a surface of
as many dimensions as there are ways to change it: low = memorized. Plain images have few of them,
memorized or not, and a network says ranks and no numbers: values below 0 and above D occur, and are
kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.predicted import predicted_noise
from solidmark.measures.signals.kinds.signal import SignalCard
from solidmark.randomness import normal

_STEP = 0.01
"""Of the difference that stands for the derivative, in sigma: what a score changes over."""


@dataclass(frozen=True)
class Flipd:
    """The local intrinsic dimension, by the Fokker-Planck equation.

    The trace is Hutchinson's estimate, of random signs; derivatives are central differences, so no
    gradient is needed. The model is told what it was trained with.

    Arguments:
        draws: How many random directions the trace is estimated from.
        time: When it looks, in (0, 1): .01 in the authors' code for Stable Diffusion.

    References:
        Kamkari et al., 2024 (arXiv 2406.03537); Ross et al., 2025 (arXiv 2411.00113), for what it
        says of memorization.
    """

    draws: int = 4
    time: float = 0.05

    def __post_init__(self) -> None:
        if self.draws < 1 or not 0 < self.time < 1:
            raise BadInput(
                "FLIPD takes 1 or more draws and a time in (0, 1), not "
                f"{self.draws}, {self.time:g}."
            )

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("flipd", 1 + 2 * self.draws)

    def require(self, model: Model, sample: Sample) -> None:
        """Every model can be asked."""

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        condition = model.condition(samples)
        z_0 = model.encode(torch.stack([sample.image for sample in samples]))
        alpha, sigma = model.schedule(self.time)
        x, step = alpha * z_0, _STEP * sigma
        square = predicted_noise(model, x, self.time, condition).flatten(1).square().sum(1)
        trace = torch.zeros(len(samples), dtype=torch.float64)
        for _ in range(self.draws):
            way = normal(generators, z_0.shape[1:]).sign().to(z_0)
            ahead = predicted_noise(model, x + step * way, self.time, condition)
            behind = predicted_noise(model, x - step * way, self.time, condition)
            slope = (ahead - behind) / (2 * step)
            trace += (slope * way.cpu().double()).flatten(1).sum(1) / self.draws
        return z_0[0].numel() - sigma * trace + square
