"""The gradient reader: descend the energy on the whole key vector, from neutral grey.

.. math::
    g = \\nabla_k \\log E(k), \\qquad
    k \\leftarrow \\mathrm{clip}_{[0, 1]}(k - \\eta_s \\, g / \\mathrm{rms}(g)), \\qquad
    \\eta_s = \\eta \\, \\tfrac{1}{2} (1 + \\cos(\\pi s / S))

Some frames are easier for a network whatever the picture, so the mean slope of reference images is
taken out of g at every step. All M keys of a frame are read at once, at the cost of a few
gradients, where trying candidates key by key costs M times K calls. The step has the same length
for every picture, however flat its valley: the direction is what is known. Steps become shorter
towards the end, or the last one would leap over the valley. The log energies on the way are kept:
how far they fall is what a person can look at.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.marks import Pattern
from solidmark.readers.linear import Linear, shift_of, slope_at
from solidmark.readers.reader import NEUTRAL, Calibration, Query, Reading, require_asked_well
from solidmark.types import Keys


@dataclass(frozen=True)
class Descent:
    """What a descent found.

    Arguments:
        keys: Where it ended, with shape (B, M), in [0, 1].
        path: The log energies on the way, with shape (B, S); low = known.
        subtracted: The mean slope that each step took out.
        first: The downhill direction at neutral grey and the shift of the predicted frame there,
            which is what `Linear` reads.
    """

    keys: Keys
    path: Float[Tensor, "B S"]
    subtracted: list[list[float]]
    first: tuple[Keys, Keys]


@dataclass(frozen=True)
class Gradient:
    """Reads key vectors by projected descent with ever shorter steps.

    Arguments:
        steps: Gradients an image; each counts as 2.3 network calls.
        step_size: The length of the first step in grey levels, root mean square over the keys.
        t: The time to ask at, in (0, 1); chosen on the data without the keys when None.
        frame_weight: What a pixel of the frame counts against one of the image, in [0, 1].
    """

    name: ClassVar[str] = "gradient"
    steps: int = 4
    step_size: float = 0.3
    t: float | None = None
    frame_weight: float = 0.1

    def __post_init__(self) -> None:
        if self.steps < 1 or self.step_size <= 0:
            raise BadInput(
                "Gradient takes 1 or more steps of a size above 0, not "
                f"{self.steps} and {self.step_size}."
            )
        require_asked_well("Gradient", self.t, self.frame_weight)

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """Takes the time that `Linear` takes, and the mean slope and energy of every step there."""
        chosen = Linear(self.t, self.frame_weight).calibrate(model, query)
        return {**self.calibrate_at(model, query, chosen["t"]), "tried": chosen["tried"]}

    def calibrate_at(self, model: Model, query: Query, t: float) -> dict[str, Any]:
        """The mean slope and energy of every step at a time."""
        found = self.descend(model, query, t, None)
        mean_path = [float(energy) for energy in found.path.mean(0)]
        return {"t": t, "mean_slopes": found.subtracted, "mean_path": mean_path}

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        chosen = Linear(self.t, self.frame_weight).passes(images, pattern, size)
        return chosen + (2 * self.steps + 1) * images

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        found = self.descend(model, query, calibration["t"], calibration["mean_slopes"])
        return Reading(found.keys, path=found.path)

    def descend(
        self, model: Model, query: Query, t: float, means: list[list[float]] | None
    ) -> Descent:
        """Descends from neutral grey.

        Arguments:
            model: The model.
            query: The images.
            t: The time to ask at.
            means: The mean slopes of reference images; those of these images when None.
        """
        keys = torch.full((len(query.images), query.pattern.count), NEUTRAL)
        subtracted, path, first = [], [], None
        for step in range(self.steps):
            slope, energies, expected = slope_at(model, query, keys, t, self.frame_weight)
            path.append(energies)
            first = first or (-slope, shift_of(model, query, expected))
            mean = slope.mean(0) if means is None else torch.tensor(means[step])
            subtracted.append([float(value) for value in mean])
            slope = slope - mean
            length = slope.square().mean(1, keepdim=True).sqrt().clamp(min=1e-12)
            size = self.step_size * (1 + math.cos(math.pi * step / self.steps)) / 2
            keys = (keys - size * slope / length).clamp(0, 1)
        assert first is not None  # there is one step or more
        return Descent(keys, torch.stack(path, 1), subtracted, first)
