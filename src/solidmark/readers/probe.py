"""The probe: one call at neutral grey, and the way the predicted frame leans.

.. math::
    \\hat k = \\Phi\\left(\\frac{s - \\bar s}{\\mathrm{sd}(s)}\\right), \\qquad
    s = \\mathrm{read}(\\hat z_0(\\alpha_t x_{1/2}, t)) - 1/2

The shift s is tiny and its scale differs from model to model, so it is placed among the shifts of
reference images, which turns it into a key in [0, 1].
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.late import Tensor, torch
from solidmark.marks import Pattern
from solidmark.readers.linear import shift_of
from solidmark.readers.reader import Calibration, Query, Reading, require_asked_well

TIMES = (0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class Probe:
    """Asks once, with a neutral grey frame and no noise.

    Arguments:
        t: The time to ask at, in (0, 1); chosen on the data without the keys when None.
    """

    name: ClassVar[str] = "probe"
    t: float | None = None

    def __post_init__(self) -> None:
        require_asked_well("Probe", self.t)

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """Takes the time at which the shifts spread most, and their mean and spread there."""
        best: dict[str, Any] = {"spread": -1.0}
        for t in TIMES if self.t is None else (self.t,):
            shifts = self.shifts(model, query, t)
            spread = shifts.std(0, correction=0)
            if float(spread.mean()) > best["spread"]:
                best = {"spread": float(spread.mean()), "t": t}
                best |= {"mean": shifts.mean(0).tolist(), "deviation": spread.tolist()}
        return best

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        return 3 * (len(TIMES) if self.t is None else 1) * images

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        shifts = self.shifts(model, query, calibration["t"])
        deviation = torch.tensor(calibration["deviation"]).clamp(min=1e-12)
        scores = (shifts - torch.tensor(calibration["mean"])) / deviation
        return Reading(torch.special.ndtr(scores))

    def shifts(self, model: Model, query: Query, t: float) -> Float[Tensor, "B M"]:
        """How far the predicted frame lies from the grey that was shown, in [0, 1] units."""
        alpha, _ = model.schedule(t)
        z_0 = model.encode(query.frame())
        found = model.denoise(alpha * z_0, t, query.condition)
        return shift_of(model, query, found)
