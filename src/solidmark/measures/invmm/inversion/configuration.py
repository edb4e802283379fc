"""How an image is inverted, and the presets: the four variants of the authors, and a cheap one."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from solidmark.cards.asked import Descended
from solidmark.cards.option import check
from solidmark.diffusion.model import GRADIENT_COST
from solidmark.errors import BadInput


@dataclass(frozen=True)
class Inversion(Descended):
    """The configuration of InvMM.

    Arguments:
        threshold: beta, the similarity from which a sample shows the image; in the unit of the
            similarity that is used, so 0.5 is for SSCD only.
        guidances: Scales of guidance that a check tries; any of them suffices. 1 = none.

    Raises:
        BadInput: When a number is not in its range.
        UnknownName: When a word is not among its choices.

    References:
        InvMM (Ma et al., 2024) and its public code.
    """

    threshold: float = 0.5
    guidances: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        check(self)
        if not self.guidances:
            raise BadInput("A check of an inversion needs one guidance or more. 1 is none.")
        for guidance in self.guidances:
            if not 0 <= guidance < math.inf:
                raise BadInput(f"An inversion takes guidances of 0 or more, not {guidance}.")

    def most_calls(self, step: int = 0) -> float:
        """The most network calls that the next round of an attempt may take, with its check.

        Arguments:
            step: How many steps it has made.
        """
        steps = max(0, min(self.every, self.steps - step))
        drawn = self.sampling_steps + (self.screen_steps if self.checks == "cheap" else 0)
        # Guidance asks with the prompt and without.
        looks = sum(1 if guidance == 1 else 2 for guidance in self.guidances)
        return steps * self.samples * GRADIENT_COST + looks * self.checked * drawn


PRESETS: Mapping[str, Inversion] = MappingProxyType(
    {
        "ddpm": Inversion(checks="full"),
        "ldm": Inversion(samples=16, every=10, weight_step=5e-4, sampling_steps=50, checks="full"),
        "sd": Inversion(
            samples=16,
            weight_step=1e-3,
            sampling_steps=50,
            guidances=(1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0),
            prompt="inverted",
            checks="full",
        ),
        "sd3": Inversion(
            samples=16, weight_step=1e-3, sampling_steps=50, prompt="inverted", checks="full"
        ),
        "quick": Inversion(
            samples=4, sampling_steps=50, screen_steps=10, checks="cheap", times="stratified"
        ),
    }
)
"""The authors' variants for DDPM on CIFAR-10, LDM on faces, Stable Diffusion 1.4 and 2.1, and 3.5
medium; and `quick`, which is ours: the same rule with far fewer network calls."""
