"""A model that is told something, led away from what it would expect without: guidance.

.. math:: \\hat z_0 = E[z_0 | z_t] + w \\, (E[z_0 | z_t, c] - E[z_0 | z_t])
"""

from dataclasses import dataclass, field

from solidmark.diffusion.model import Condition, Model
from solidmark.types import Latents, Times


@dataclass(frozen=True)
class Denoiser:
    """What a model expects of a batch, as a function of the noisy latents and the time.

    Arguments:
        model: The model.
        condition: What it is told of the batch.
        guidance: w, the scale of classifier-free guidance; 1 = none, else each call is two.
        clamped: Whether to cut what it expects off at [-1, 1], the range of pixels.

    Raises:
        MissingCapability: When there is guidance, and the model has nothing to be led from.

    References:
        Ho and Salimans, 2022.
    """

    model: Model
    condition: Condition
    guidance: float = 1.0
    clamped: bool = False
    nothing: Condition = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if self.guidance != 1:
            object.__setattr__(self, "nothing", self.model.unconditional(self.condition))

    def __call__(self, z_t: Latents, t: Times) -> Latents:
        expected = self.model.denoise(z_t, t, self.condition)
        if self.guidance != 1:
            blind = self.model.denoise(z_t, t, self.nothing)
            expected = blind + self.guidance * (expected - blind)
        return expected.clamp(-1, 1) if self.clamped else expected
