"""The linear reader: one gradient at neutral grey, and the way the predicted frame leans.

.. math::
    \\hat k = \\Phi\\left(\\frac{u}{\\mathrm{sd}(u)}\\right), \\qquad
    u = -\\frac{g - \\bar g}{\\mathrm{sd}(g)} + \\frac{s - \\bar s}{\\mathrm{sd}(s)}

g is the gradient of the log energy in the keys, s the shift of the predicted frame (`Probe`), both
from one call with a grey frame. Means and spreads are those of reference images, key by key. Where
a model remembers little, descending any further runs into the corners of the cube of keys.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.late import Tensor, torch
from solidmark.marks import Pattern
from solidmark.readers.energy import TIMES, log_energy
from solidmark.readers.reader import NEUTRAL, Calibration, Query, Reading, require_asked_well
from solidmark.types import Keys, Latents


@dataclass(frozen=True)
class Linear:
    """Reads key vectors with one gradient, for models that remember little.

    Arguments:
        t: The time to ask at, in (0, 1); chosen on the data without the keys when None.
        frame_weight: What a pixel of the frame counts against one of the image, in [0, 1].
    """

    name: ClassVar[str] = "linear"
    t: float | None = None
    frame_weight: float = 0.1

    def __post_init__(self) -> None:
        require_asked_well("Linear", self.t, self.frame_weight)

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """Takes the time at which gradient and shift agree best, with means and spreads there."""
        best: dict[str, Any] = {"agreement": -float("inf")}
        tried = {}
        for t in TIMES if self.t is None else (self.t,):
            parts = self._parts(model, query, t)
            moments = {
                name: {"mean": _list(part.mean(0)), "deviation": _spread(part)}
                for name, part in zip(("gradient", "shift"), parts, strict=True)
            }
            one, other = _standardise(parts, moments)
            tried[f"{t:g}"] = float((one * other).mean())
            if tried[f"{t:g}"] > best["agreement"]:
                scale = float((one + other).std(correction=0).clamp(min=1e-9))
                best = {"agreement": tried[f"{t:g}"], "t": t, "scale": scale, **moments}
        return {**best, "tried": tried}

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        return 3 * (len(TIMES) if self.t is None else 1) * images

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        return Reading(place(self._parts(model, query, calibration["t"]), calibration))

    def _parts(self, model: Model, query: Query, t: float) -> tuple[Keys, Keys]:
        """The downhill direction at grey, and the shift of the predicted frame."""
        keys = torch.full((len(query.images), query.pattern.count), NEUTRAL)
        slope, _, expected = slope_at(model, query, keys, t, self.frame_weight)
        return -slope, shift_of(model, query, expected)


def slope_at(
    model: Model,
    query: Query,
    keys: Keys,
    t: float,
    frame_weight: float,
    noise: Latents | None = None,
) -> tuple[Keys, Float[Tensor, " B"], Latents]:
    """The slope of the energy, from one call with its gradient.

    Arguments:
        frame_weight: What a pixel of the frame counts against one of the image.
        noise: What is added, a row an image; nothing when None.

    Returns:
        The gradient of the log energy in the keys, with shape (B, M); the log energy there, with
        shape (B), low = known; and what the model expects, as latents.
    """
    # As many at a time as the network gets: a gradient keeps all that was computed on its way.
    size = getattr(model, "batch_size", len(keys))
    found = []
    for start in range(0, len(keys), size):
        rows = slice(start, start + size)
        with torch.enable_grad():
            at = keys[rows].clone().requires_grad_(True)
            drawn = None if noise is None else noise[rows]
            energies, expected = log_energy(model, query.part(rows), at, t, frame_weight, drawn)
            (slope,) = torch.autograd.grad(energies.sum(), at)
        found.append((slope, energies.detach().cpu(), expected.detach()))
    slopes, heights, all_expected = (torch.cat(column) for column in zip(*found, strict=True))
    return slopes, heights, all_expected


def shift_of(model: Model, query: Query, expected: Latents) -> Keys:
    """How far the frame that the model expects lies from the neutral one that it was shown.

    Read before clamping, so that no shift is cut off.
    """
    return query.pattern.read(model.decode(expected).cpu()) - NEUTRAL


def place(parts: tuple[Keys, Keys], calibration: Calibration) -> Keys:
    """The keys read from the downhill direction and the shift: their place among references."""
    one, other = _standardise(parts, calibration)
    return torch.special.ndtr((one + other) / calibration["scale"])


def _standardise(parts: tuple[Keys, Keys], moments: Calibration) -> tuple[Keys, Keys]:
    one, other = (
        (part - torch.tensor(moments[name]["mean"])) / torch.tensor(moments[name]["deviation"])
        for name, part in zip(("gradient", "shift"), parts, strict=True)
    )
    return one, other


def _list(values: Tensor) -> list[float]:
    return [float(value) for value in values]


def _spread(part: Keys) -> list[float]:
    return _list(part.std(0, correction=0).clamp(min=1e-12))
