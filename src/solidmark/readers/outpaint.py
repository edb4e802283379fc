"""The paper's reader: let the model draw the frame, and look at its grey.

.. math::
    z_t \\leftarrow m \\odot z_t + (1 - m) \\odot (\\alpha_t x + \\sigma_t \\epsilon), \\qquad
    \\hat k = \\mathrm{read}(\\hat x)

The known part is replaced by the true image, noised to time t, BEFORE every network call. With
`jump_count` = 1 this is the published procedure; above 1 it goes back up as in RePaint, so that
the frame can be drawn again once the picture is recognisable.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from solidmark.diffusion import Denoiser, Known, Model, inpaint_pixels, jump_times, spaced_times
from solidmark.errors import BadInput
from solidmark.marks import Pattern
from solidmark.readers.reader import Calibration, Query, Reading


@dataclass(frozen=True)
class Outpaint:
    """Draws the frame round the known image by sampling.

    Arguments:
        steps: Network calls of a plain loop; 250 in the paper.
        jump_length: RePaint's jump length, in steps.
        jump_count: RePaint's passes over each stretch; 1 = the published procedure.
        eta: 1 = ancestral sampling (DDPM), 0 = DDIM.
        start: Where sampling begins, in (0, 1]; below 1 skips the noisiest part.

    References:
        SolidMark (Kriplani et al., 2025), Algorithm 2; Lugmayr et al., 2022, Algorithm 1.
    """

    name: ClassVar[str] = "outpaint"
    steps: int = 250
    jump_length: int = 10
    jump_count: int = 1
    eta: float = 1.0
    start: float = 1.0

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise BadInput(f"Outpaint takes 1 to 1000 steps, not {self.steps}.")
        if self.jump_count < 1 or self.jump_length < 1:
            raise BadInput(
                f"Outpaint jumps {self.jump_length} steps {self.jump_count} times: "
                "both must be 1 or more (a jump count of 1 means no resampling)."
            )
        if not 0 <= self.eta <= 1 or not 0 < self.start <= 1:
            raise BadInput(
                f"Outpaint takes eta in [0, 1] and start in (0, 1], not {self.eta}, {self.start}."
            )

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """There is nothing to choose.

        Raises:
            BadInput: When the model works on latents.
        """
        require_pixels(model)
        return {}

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        return 0

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        times = spaced_times(self.steps, self.start)
        pictures = inpaint_pixels(
            Denoiser(model, query.condition, clamped=True),
            Known(query.frame(), query.painted(1), query.generators),
            jump_times(times, self.jump_length, self.jump_count),
            self.eta,
        )
        return Reading(query.pattern.read(pictures), pictures=pictures)


def require_pixels(model: Model) -> None:
    """Checks that a model denoises pixels, which alone can be pasted at every step.

    Raises:
        BadInput: When it works on latents.
    """
    if model.factor > 1:
        raise BadInput(
            "Outpaint pastes pixels at every step, and this model works on latents. "
            "Use --reader latent-outpaint, the paper's way for such models."
        )
