"""Wen: the embedding of the prompt is changed until the prompt no longer says too much.

.. math:: m(e) = \\lVert \\epsilon_\\theta(x_T, e) - \\epsilon_\\theta(x_T, \\varnothing) \\rVert_2

A memorized prompt moves the prediction at the very first step of sampling, where there is nothing
but noise to see, by far more than others. The embedding goes down the gradient of that until it
does so no longer.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Condition, Model
from solidmark.diffusion.noise import noise_per_latent
from solidmark.errors import BadInput, MissingCapability
from solidmark.late import Tensor, torch
from solidmark.mitigations.mitigation import Preset
from solidmark.models import Conditions
from solidmark.models.conditions import EMBEDS, POOLED
from solidmark.randomness import normal
from solidmark.types import Latents

FIRST = 0.999
"""The time at which sampling begins: the last of 1000 training steps."""


@dataclass(frozen=True)
class MagnitudeDescent:
    """Optimises the embedding of the prompt at the first step of sampling.

    Each image stops for itself as soon as its magnitude is at most the target, with the embedding
    that it has then. Tokens that the empty prompt has too (CLIP's first) are left alone, as in the
    code. :math:`x_T` is drawn by the image's generator; a reader draws its own, so what was
    optimised for one noise is used on another, where the published script uses one for both.

    Costs per image: two network calls, for the empty prompt and to look at the end, and one with
    gradient for each iteration. `Mitigated` counts them.

    Arguments:
        target: The magnitude to fall to, 3 to 5 in the paper for Stable Diffusion at 512 px. It
            grows with the number of latents, so other models need another: see `magnitude`.
        iterations: Steps at most; 10 in the paper. 0 changes nothing.
        rate: Adam's step size; 0.05 in the script.

    References:
        Wen et al., 2024 ("Detecting, explaining, and mitigating memorization in diffusion
        models"), Section 4, and its code.
    """

    name: ClassVar[str] = "wen"
    strength: ClassVar[str] = "target"
    presets: ClassVar[Mapping[str, Preset]] = {}
    takes_classes: ClassVar[bool] = False
    target: float = 4.0
    iterations: int = 10
    rate: float = 0.05

    def __post_init__(self) -> None:
        if not self.target > 0:
            raise BadInput(f"wen takes a target magnitude above 0, not {self.target}.")
        if self.iterations < 0 or not (math.isfinite(self.rate) and self.rate > 0):
            raise BadInput(
                "wen takes 0 or more iterations and a rate above 0, not "
                f"{self.iterations}, {self.rate}."
            )

    def reembed(
        self,
        model: Model,
        condition: Conditions,
        samples: Sequence[Sample],
        generators: "Sequence[torch.Generator]",
    ) -> Conditions:
        """The condition whose magnitude is at most the target, or as low as it came.

        Raises:
            MissingCapability: When the model has no token embeddings, or no empty prompt.
        """
        if self.iterations == 0:
            return condition
        if condition.get(EMBEDS) is None:
            raise MissingCapability(
                'The mitigation "wen" changes the embedding of a prompt, but the model is told '
                "none. Leave it out."
            )
        z_T = first_noise(model, samples, generators)
        scale = noise_per_latent(model.schedule, FIRST)
        empty = model.unconditional(condition)
        blind = model.denoise(z_T, FIRST, empty)

        def measured(told: Mapping[str, Tensor]) -> Float[Tensor, " B"]:
            moved = model.denoise(z_T, FIRST, condition.changed(**told)) - blind
            return scale * moved.flatten(1).norm(dim=1)

        names = [name for name in (EMBEDS, POOLED) if condition.get(name) is not None]
        start = {name: condition.tensors[name].detach().float() for name in names}
        free = {name: _differs(start[name], empty.tensors[name]) for name in names}
        found = self._descend(measured, start, free)
        return condition.changed(**{n: t.to(condition.tensors[n]) for n, t in found.items()})

    def _descend(
        self,
        measured: Callable[[Mapping[str, Tensor]], Float[Tensor, " B"]],
        start: Mapping[str, Tensor],
        free: Mapping[str, Tensor],
    ) -> dict[str, Tensor]:
        """Adam on the sum of the magnitudes, in which no row has a say in another's steps.

        Arguments:
            measured: The magnitudes of a batch of embeddings.
            start: The embeddings of the prompts, by name.
            free: Which tokens may change.
        """
        told = {name: tensor.clone().requires_grad_() for name, tensor in start.items()}
        adam = torch.optim.Adam(list(told.values()), lr=self.rate)
        found, best = dict(start), torch.tensor(math.inf)
        for number in range(self.iterations + 1):
            last = number == self.iterations
            with torch.set_grad_enabled(not last):
                m = measured({n: t.detach() for n, t in told.items()} if last else told)
            now = m.detach().cpu()
            # Rows that have arrived keep what they have; the others keep the lowest so far.
            better = (now < best) & (best > self.target)
            best = torch.where(better, now, best)
            for name, tensor in told.items():
                rows = better.reshape(-1, *[1] * (tensor.ndim - 1)).to(tensor.device)
                found[name] = torch.where(rows, tensor.detach(), found[name])
            if last or bool((best <= self.target).all()):
                break
            grads = torch.autograd.grad(m.sum(), list(told.values()))
            for (name, tensor), grad in zip(told.items(), grads, strict=True):
                tensor.grad = torch.where(free[name], grad, 0.0)
            adam.step()
        return found


def first_noise(
    model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
) -> Latents:
    """Pure noise of the shape that the images of a batch have in the model."""
    like = model.encode(samples[0].image[None])
    return normal(generators, like.shape[1:]).to(like)


def magnitude(
    model: Model, z_T: Latents, condition: Condition, t: float = FIRST
) -> Float[Tensor, " B"]:
    """How far a condition moves what a model predicts, in the norm over all latents.

    Arguments:
        model: The model.
        z_T: Noise, with shape (B, c, h, w).
        condition: What it is told, one row an image.
        t: The time.
    """
    blind = model.denoise(z_T, t, model.unconditional(condition))
    moved = model.denoise(z_T, t, condition) - blind
    return noise_per_latent(model.schedule, t) * moved.flatten(1).norm(dim=1)


def _differs(told: Tensor, empty: Tensor) -> Tensor:
    """Where a prompt says something else than the empty one, a flag a token."""
    return ((told - empty.to(told)).abs() > 1e-4).any(dim=-1, keepdim=True)
