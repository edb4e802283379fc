"""The loss at fixed times and noises: what trainers watch on images that they held out.

.. math:: \\ell(x) = \\frac{1}{4 J} \\sum_{t \\in \\{.2, .4, .6, .8\\}} \\sum_{j \\le J} \\frac1d
                     \\lVert \\hat\\epsilon(x_t^j, t, c) - \\epsilon_j \\rVert^2_2

The noises of an image come of its id and the seed, so they are the same for every checkpoint, and
a difference between two of them is not that of their draws. All times share them.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model, Sampler
from solidmark.diffusion.noise import noise_per_latent
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.signal import SignalCard
from solidmark.randomness import normal

TIMES = (0.2, 0.4, 0.6, 0.8)


@dataclass(frozen=True)
class FixedLoss:
    """The mean squared error of the predicted noise, of a flow the velocity, at four times.

    Arguments:
        draws: J, how many noises an image.

    References:
        The validation loss of kohya's sd-scripts, which takes one noise an image.
    """

    draws: int = 4

    def __post_init__(self) -> None:
        if self.draws < 1:
            raise BadInput(f"A fixed loss takes 1 or more draws, not {self.draws}.")

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("fixed-loss", len(TIMES) * self.draws)

    def require(self, model: Model, sample: Sample) -> None:
        """Every model can be asked."""

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        condition = model.condition(samples)
        z_0 = model.encode(torch.stack([sample.image for sample in samples]))
        sampler = Sampler(model.schedule)
        total = torch.zeros(len(samples), dtype=torch.float64)
        for _ in range(self.draws):
            noise = normal(generators, z_0.shape[1:]).to(z_0)
            for t in TIMES:
                found = model.denoise(sampler.diffuse(z_0, noise, t), t, condition)
                missed = noise_per_latent(model.schedule, t) * (found - z_0)
                total += missed.cpu().double().square().flatten(1).mean(1)
        return total / (self.draws * len(TIMES))
