"""The noise magnitude along a path: the difference that a prompt makes over the first steps.

.. math:: m(c) = \\frac1K \\sum_k \\frac1n \\sum_{i \\le n}
                 \\lVert \\epsilon_\\theta(x_{t_i}^k, c) -
                         \\epsilon_\\theta(x_{t_i}^k, \\varnothing) \\rVert_2

The path is that of deterministic sampling with guidance, for which both predictions are made
anyway.
"""

from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.from_noise import FromNoise, Prompts
from solidmark.measures.signals.kinds.guided import Guided
from solidmark.types import Latents


@dataclass(frozen=True)
class PathMagnitude(FromNoise):
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

    name: ClassVar[str] = "magnitude-path"
    steps: int = 5
    guidance: float = 7.5
    sampling_steps: int = 50

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 1 <= self.steps <= self.sampling_steps <= 1000:
            raise BadInput(
                "A path takes 1 to 1000 sampling steps, of which the first are averaged, not "
                f"{self.steps} of {self.sampling_steps}."
            )
        if not 0 <= self.guidance < float("inf"):
            raise BadInput(f"A path takes a guidance of 0 or more, not {self.guidance:g}.")

    @property
    def calls(self) -> int:
        return 2 * self.steps

    def at(self, model: Model, noise: Latents, prompts: Prompts) -> Float[Tensor, " B"]:
        total = torch.zeros(len(noise), dtype=torch.float64)
        path = Guided(model, prompts, self.guidance, self.sampling_steps)
        for step in islice(path.walk(noise), self.steps):
            total += (step.noise * step.moved.flatten(1).norm(dim=1)).cpu().double()
        return total / self.steps
