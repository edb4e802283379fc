"""The noise magnitude at an image: how far its prompt moves the predictions at that very image.

.. math:: m(x, c) = \\frac1K \\sum_j
                    \\lVert \\epsilon_\\theta(x_{t_j}, c) -
                            \\epsilon_\\theta(x_{t_j}, \\varnothing) \\rVert_2, \\qquad
          x_t = \\alpha_t x + \\sigma_t \\epsilon

The paper starts from pure noise and judges prompts. Asked at noised versions of an image, the same
difference has a value for each image, even where many share one prompt. This use is ours, and so is
its direction, which is the opposite: a model that knows the image by heart recognises it under the
noise, and its prompt adds nothing. Low = memorized, as far as one small model that we trained tells
(docs/signals.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from jaxtyping import Float

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.measures.signals.kinds.noised import even_times, noised
from solidmark.measures.signals.kinds.signal import SignalCard, require_led
from solidmark.mitigations.magnitude import magnitude


@dataclass(frozen=True)
class ImageMagnitude:
    """The difference that its caption or class makes at an image, over evenly spread times.

    Arguments:
        times: K, how many times, each with noise of its own.

    References:
        Ours, after Wen et al., 2024.
    """

    times: int = 8

    def __post_init__(self) -> None:
        if self.times < 1:
            raise BadInput(f"A magnitude at an image takes 1 or more times, not {self.times}.")

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("image-magnitude", 2 * self.times)

    def require(self, model: Model, sample: Sample) -> None:
        require_led(model, sample)

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        condition = model.condition(samples)
        total = torch.zeros(len(samples), dtype=torch.float64)
        for t, z_t, _ in noised(model, samples, generators, even_times(self.times)):
            total += magnitude(model, z_t, condition, t).cpu().double()
        return total / self.times
