"""The fitted reader: many looks at a frame, whose weights are learned from the keys of others.

.. math::
    x_{t} = -\\frac{\\partial \\log E_t}{\\partial k}\\Big|_{1/2}, \\quad
    s_{t} = \\mathrm{read}(\\hat z_0) - \\tfrac12, \\qquad
    t \\in \\{.02, \\dots, .7\\}, \\text{ without noise, and with noise of several draws}

Slope and shift are those of `Linear`, at several times instead of one, and beside them stands where
the descent of `Gradient` ends. Which of them shows a key in a model is not known beforehand. The
reader keeps all of them, standardised key by key over reference images, and reads a plain mean.
When the answers are scored, the weights for an image are learned from the keys of other images
(`scores/learned.py`): the reader itself never sees a key.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.diffusion.model import GRADIENT_COST
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.marks import Pattern
from solidmark.randomness import generator, normal
from solidmark.readers.gradient import Gradient
from solidmark.readers.linear import shift_of, slope_at
from solidmark.readers.reader import NEUTRAL, Calibration, Query, Reading, require_asked_well
from solidmark.types import Keys, Latents

TIMES = (0.05, 0.3, 0.1, 0.5, 0.02, 0.2, 0.7)
"""The times of the looks without noise, in the order in which a budget pays for them."""

NOISY_TIMES = (0.1, 0.2, 0.3, 0.5, 0.7)
"""The times of the looks with noise, which all draws of an image share."""

_STEPS, _DESCENT = 4, 0.3
"""How often the descent steps, as that of `Gradient`, and at which time. It is not chosen by where
slope and shift agree, since they do so most where little of the picture is left."""

Features = Float[Tensor, "B M F"]


@dataclass(frozen=True)
class Fitted:
    """Looks at a neutral frame at several times, with and without noise, and descends from it.

    Arguments:
        calls: The most network calls an image, 3 or more; a gradient counts as 2.3. Of these 16.1
            pay for all looks without noise, 25.3 for the descent too, and each 11.5 more for a draw
            of noise.
        frame_weight: What a pixel of the frame counts against one of the image, in [0, 1].
    """

    name: ClassVar[str] = "fitted"
    calls: int = 26
    frame_weight: float = 0.1

    def __post_init__(self) -> None:
        if self.calls < GRADIENT_COST:
            raise BadInput(f"Fitted needs 3 calls an image or more, not {self.calls}.")
        require_asked_well("Fitted", None, self.frame_weight)

    @property
    def times(self) -> tuple[float, ...]:
        """At which times it looks without noise."""
        return tuple(sorted(TIMES[: self._gradients]))

    @property
    def draws(self) -> int:
        """How often noise is drawn."""
        return max(0, self._gradients - len(TIMES) - _STEPS) // len(NOISY_TIMES)

    @property
    def descent(self) -> Gradient | None:
        """The descent, where the budget has a step for it."""
        steps = min(_STEPS, self._gradients - len(TIMES))
        return Gradient(steps, t=_DESCENT, frame_weight=self.frame_weight) if steps > 0 else None

    @property
    def _gradients(self) -> int:
        return int(self.calls / GRADIENT_COST + 1e-9)

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """Means and spreads of all looks and of where the descent ends, and its mean slopes."""
        drawn = [generator(0, self.name, number) for number in range(len(query.images))]
        asked = Query(query.images, query.pattern, query.condition, drawn)
        looks = list(self._looks(model, asked))
        found: dict[str, Any] = {"looks": [_moments(look) for look in looks]}
        features = torch.stack(
            [_standard(look, one) for look, one in zip(looks, found["looks"], strict=True)], -1
        )
        quiet = features[..., : 2 * len(self.times)]
        found["scale"] = float(quiet.mean(-1).std(correction=0).clamp(min=1e-9))
        if (descent := self.descent) is not None:
            end = descent.descend(model, query, _DESCENT, None)
            found |= {"mean_slopes": end.subtracted, "end": _moments(end.keys - NEUTRAL)}
        return found

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        looks = 3 * (len(self.times) + self.draws * len(NOISY_TIMES))
        return images * (looks + (0 if self.descent is None else 2 * self.descent.steps + 1))

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        looks = list(self._looks(model, query))
        moments = calibration["looks"]
        parts = [_standard(look, one) for look, one in zip(looks, moments, strict=True)]
        quiet = torch.stack(parts[: 2 * len(self.times)], -1).mean(-1)
        keys = torch.special.ndtr(quiet / calibration["scale"])
        if (descent := self.descent) is not None:
            means = calibration["mean_slopes"]
            end = descent.descend(model, query, _DESCENT, means)
            parts.append(_standard(end.keys - NEUTRAL, calibration["end"]))
            keys = (keys + end.keys) / 2
        return Reading(keys, features=torch.stack(parts, -1))

    def _looks(self, model: Model, query: Query) -> Iterator[Keys]:
        """Slope and shift at each time, then the same with noise, as the mean over the draws."""
        shape: Sequence[int] = ()
        for t in self.times:
            slope, expected = self._look(model, query, t, None)
            shape = expected.shape[1:]
            yield slope
            yield shift_of(model, query, expected)
        noises = [normal(query.generators, shape) for _ in range(self.draws)]
        for t in NOISY_TIMES if noises else ():
            slopes, shifts = [], []
            for noise in noises:
                slope, expected = self._look(model, query, t, noise)
                slopes.append(slope)
                shifts.append(shift_of(model, query, expected))
            yield torch.stack(slopes).mean(0)
            yield torch.stack(shifts).mean(0)

    def _look(
        self, model: Model, query: Query, t: float, noise: Latents | None
    ) -> tuple[Keys, Latents]:
        grey = torch.full((len(query.images), query.pattern.count), NEUTRAL)
        slope, _, expected = slope_at(model, query, grey, t, self.frame_weight, noise)
        return -slope, expected


def _moments(look: Keys) -> dict[str, list[float]]:
    spread = look.std(0, correction=0).clamp(min=1e-12)
    return {"mean": look.mean(0).tolist(), "deviation": spread.tolist()}


def _standard(look: Keys, moments: Calibration) -> Keys:
    return (look - torch.tensor(moments["mean"])) / torch.tensor(moments["deviation"])
