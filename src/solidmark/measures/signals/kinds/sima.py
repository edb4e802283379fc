"""SimA: how much noise the model sees in a picture that has none.

.. math:: a(x) = \\lVert \\hat\\epsilon(x, t, c) \\rVert_4

The score vanishes where the density has a peak, and a training image is one: low = memorized. One
call, nothing drawn.
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


@dataclass(frozen=True)
class Sima:
    """The 4-norm of the noise that is predicted for the clean picture, as it is.

    Arguments:
        time: When it looks, in (0, 1). The authors' code tries 21 of them and reports the best on
            the data that are judged; one is fixed here beforehand.

    References:
        arXiv 2509.25003 ("SimA"), its variant without noise.
    """

    time: float = 0.1

    def __post_init__(self) -> None:
        if not 0 < self.time < 1:
            raise BadInput(f"SimA asks at a time in (0, 1), not {self.time:g}.")

    @property
    def card(self) -> SignalCard:
        return SignalCard.of("sima", 1)

    def require(self, model: Model, sample: Sample) -> None:
        """Every model can be asked."""

    def measure(
        self, model: Model, samples: Sequence[Sample], generators: "Sequence[torch.Generator]"
    ) -> Float[Tensor, " B"]:
        z_0 = model.encode(torch.stack([sample.image for sample in samples]))
        seen = predicted_noise(model, z_0, self.time, model.condition(samples))
        return seen.flatten(1).norm(p=4, dim=1)
