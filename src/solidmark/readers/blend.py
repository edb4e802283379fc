"""The blended reader: the end of `Gradient`'s descent and the reading of `Linear`, averaged.

.. math:: \\hat k = (1 - w) \\, \\hat k_{gradient} + w \\, \\hat k_{linear}

Where a model remembers much, the descent reads best; where it remembers little, the descent runs
into corners, and the linear reading is best. They err in different ways, so their mean is hardly
ever worse than the better of them, and nothing must be guessed about the model. The
first step of the descent starts where the linear reading is taken, so the mean costs no more calls.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.marks import Pattern
from solidmark.readers.gradient import Gradient
from solidmark.readers.linear import Linear, place
from solidmark.readers.reader import Calibration, Query, Reading, require_asked_well


@dataclass(frozen=True)
class Blend:
    """Reads key vectors by descent and by the first slope, and takes the mean.

    Arguments:
        linear_weight: w, in [0, 1]; 0 is `Gradient`, 1 is `Linear` at the cost of `Gradient`.
        steps: Gradients an image; each counts as 2.3 network calls.
        t: The time to ask at, in (0, 1); chosen on the data without the keys when None.
        frame_weight: What a pixel of the frame counts against one of the image, in [0, 1].
    """

    name: ClassVar[str] = "blend"
    linear_weight: float = 0.2
    steps: int = 4
    t: float | None = None
    frame_weight: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.linear_weight <= 1:
            raise BadInput(
                f"Blend weighs the linear reading in [0, 1], not with {self.linear_weight}."
            )
        if self.steps < 1:
            raise BadInput(f"Blend takes 1 or more steps, not {self.steps}.")
        require_asked_well("Blend", self.t, self.frame_weight)

    @property
    def _descent(self) -> Gradient:
        return Gradient(self.steps, t=self.t, frame_weight=self.frame_weight)

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """Calibrates both, at the time that `Linear` takes."""
        linear = Linear(self.t, self.frame_weight).calibrate(model, query)
        return {**self._descent.calibrate_at(model, query, linear["t"]), "linear": linear}

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        return self._descent.passes(images, pattern, size)

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        found = self._descent.descend(model, query, calibration["t"], calibration["mean_slopes"])
        linear = place(found.first, calibration["linear"])
        keys = (1 - self.linear_weight) * found.keys + self.linear_weight * linear
        return Reading(keys, path=found.path)
