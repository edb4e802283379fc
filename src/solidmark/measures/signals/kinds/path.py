"""The noise magnitude along a path: the difference that a prompt makes over the first steps.

.. math:: m(c) = \\frac1K \\sum_k \\frac1n \\sum_{i \\le n}
                 \\lVert \\epsilon_\\theta(x_{t_i}^k, c) -
                         \\epsilon_\\theta(x_{t_i}^k, \\varnothing) \\rVert_2

The path is that of deterministic sampling with guidance, for which both predictions are made
anyway.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model, Sampler, spaced_times
from solidmark.diffusion.noise import noise_per_latent
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.signal import SignalCard, require_led
from solidmark.mitigations.magnitude import first_noise


@dataclass(frozen=True)
class PathMagnitude:
    """The mean difference that a prompt makes over the first steps of sampling.

    Arguments:
        steps: n, how many of the first steps are averaged.
        draws: K, how many paths, each from noise of its own.
        guidance: The scale of classifier-free guidance along the path, 7.5 in the paper. It costs
            nothing: both predictions are made.
        sampling_steps: Of how many steps the whole path would be, 50 in the paper.

    References:
        Wen et al., 2024 ("Detecting, explaining, and mitigating memorization in diffusion
        models"), Section 3; Song et al., 2021 (DDIM).
    """

    steps: int = 5
    draws: int = 4
    guidance: float = 7.5
    sampling_steps: int = 50

    def __post_init__(self) -> None:
        if self.draws < 1 or not 1 <= self.steps <= self.sampling_steps <= 1000:
            raise BadInput(
                "A path takes 1 or more draws and 1 to 1000 sampling steps, of which the first are "
                f"averaged, not {self.draws} draws and {self.steps} of {self.sampling_steps} steps."
            )
        if not 0 <= self.guidance < float("inf"):
            raise BadInput(f"A path takes a guidance of 0 or more, not {self.guidance:g}.")

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("magnitude-path", 2 * self.draws * self.steps)

    def require(self, model: Model, sample: Sample) -> None:
        require_led(model, sample)

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        condition = model.condition(samples)
        nothing = model.unconditional(condition)
        sampler = Sampler(model.schedule, eta=0.0)
        path = [*spaced_times(self.sampling_steps), -1.0]
        total = torch.zeros(len(samples), dtype=torch.float64)
        for _ in range(self.draws):
            z = first_noise(model, samples, generators)
            for t, s in islice(pairwise(path), self.steps):
                blind = model.denoise(z, t, nothing)
                moved = model.denoise(z, t, condition) - blind
                norm = noise_per_latent(model.schedule, t) * moved.flatten(1).norm(dim=1)
                total += norm.cpu().double()
                # Without noise: eta is 0.
                z = sampler.step(z, blind + self.guidance * moved, z, t, s)
        return total / (self.draws * self.steps)
