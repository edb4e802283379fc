"""The bright ending: what a prompt changes where the finished picture looks at its end token.

.. math:: b(c) = \\frac1K \\sum_k \\frac{\\lVert \\delta_{T}^k \\odot m^k \\rVert_2}
                                    {\\tfrac1P \\sum_p m_p^k}, \\qquad
          \\delta_t = \\epsilon_\\theta(x_t, t, c) - \\epsilon_\\theta(x_t, t, \\varnothing)

m is the attention from each of P places to the token after the last word, at the last step of
sampling from the same noise, in the layers at the size of the latents on the way down, the mean
over heads and layers. Where a picture is copied, its places look at no word in particular and the
ending is bright; so the norm is that of the copied places, as if they were the whole picture.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput, MissingCapability
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.crossing import WORDLESS, layers_of, watched
from solidmark.measures.signals.kinds.from_noise import FromNoise, Prompts
from solidmark.measures.signals.kinds.guided import Guided
from solidmark.measures.signals.kinds.signal import require_led
from solidmark.mitigations.telling import bare
from solidmark.models.foreseen import Foreseen
from solidmark.models.stable_diffusion import StableDiffusion
from solidmark.types import Latents

WHOLE = "down_blocks.0."
"""The layers of this block of a U-Net work at the size of the latents."""


@dataclass(frozen=True)
class BrightEnding(FromNoise):
    """The magnitude at the first step, weighed by the attention to the end at the last.

    Arguments:
        draws: K, how many pictures are drawn for a prompt, each from noise of its own.
        sampling_steps: Steps of a drawing, 50 in the paper.
        scale: Of classifier-free guidance.

    References:
        Chen, Liu, Shah and Xu, 2025 ("Exploring local memorization in diffusion models via bright
        ending attention", arXiv 2410.21665), and its code.
    """

    name: ClassVar[str] = "bright-ending"
    sampling_steps: int = 50
    scale: float = 7.5

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 2 <= self.sampling_steps <= 1000:
            raise BadInput(f"{self.name} takes 2 to 1000 steps, not {self.sampling_steps}.")
        if not 0 <= self.scale < float("inf"):
            raise BadInput(f"{self.name} takes a scale of 0 or more, not {self.scale:g}.")

    @property
    def calls(self) -> int:
        return 2 * self.sampling_steps + 1

    def require(self, model: Model, sample: Sample) -> None:
        adapter = bare(model)
        if not isinstance(adapter, Foreseen):
            self._layers(model)
        elif not adapter.captioned:
            raise MissingCapability(WORDLESS.format(self.name))
        require_led(model, sample)

    def at(self, model: Model, noise: Latents, prompts: Prompts) -> Float[Tensor, " B"]:
        first, *_, last = Guided(model, prompts, self.scale, self.sampling_steps).walk(noise)
        with watched(self._layers(model), lambda attention: attention) as seen:
            model.denoise(last.z, last.t, prompts.told)
        looks = torch.stack([torch.cat(parts) for parts in seen]).mean(0)
        adapter: Any = bare(model)
        ends = adapter.family.ends(prompts.samples)
        bright = looks[torch.arange(len(noise)), :, ends]
        return first.noise * bright_norm(first.moved.cpu().double(), bright)

    def _layers(self, model: Model) -> "dict[str, torch.nn.Module]":
        every = layers_of(model, self.name)
        found = {name: layer for name, layer in every.items() if name.startswith(WHOLE)}
        family: Any = getattr(bare(model), "family", None)
        if not found or not isinstance(family, StableDiffusion):
            raise MissingCapability(
                "No layer of the model looks at the words at the size of its latents, as those of "
                f"Stable Diffusion 1 and 2 do. Leave the signal {self.name} out."
            )
        return found


def bright_norm(
    moved: Float[Tensor, "B c h w"], bright: Float[Tensor, "B P"]
) -> Float[Tensor, " B"]:
    """The norm where it is bright, as if all places were; P = h w.

    Example:
        >>> moved = torch.tensor([[[[3.0, 4.0]]]])
        >>> bright_norm(moved, torch.tensor([[0.2, 0.2]])).tolist()
        [5.0]
        >>> bright_norm(moved, torch.tensor([[0.0, 0.2]])).tolist()
        [8.0]
    """
    where = bright / bright.mean(1, keepdim=True)
    return (moved.double() * where.reshape(len(moved), 1, *moved.shape[2:])).flatten(1).norm(dim=1)
