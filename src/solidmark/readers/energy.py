"""The energy reader: which key does the model expect round this image?

.. math::
    E(k) = \\lVert \\hat\\epsilon(\\alpha_t x_k, t) \\rVert^2_w
         = (\\alpha_t / \\sigma_t)^2 \\lVert x_k - \\hat z_0(\\alpha_t x_k, t) \\rVert^2_w

x_k is the image in a frame of key k, and the norm counts the pixels of the frame with a small
weight. Nothing is drawn: the frame is pasted, no noise is added, and the network is called once a
candidate. A model that knows the picture in its frame finds less to correct when the frame is
right.

Networks copy the frame they are shown, so what they correct in it says little; a perfect memorizer
knows the picture whatever the frame, and corrects nothing but the frame. Hence the weight
(docs/decisions/003-energy.md has the measurements).

Some frames are easier for a network than others, whatever the picture. So the log energy of each
candidate is standardised with its mean and spread over reference pictures, which are as blind to
the keys as the energies are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from jaxtyping import Float

from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.marks import Pattern
from solidmark.readers.reader import NEUTRAL, Calibration, Query, Reading, require_asked_well
from solidmark.types import Keys, Latents

TIMES = (0.02, 0.05, 0.1, 0.2, 0.3)
FLOOR = (2 / 255) ** 2
"""A residual of one 8-bit level, in the squared units of [-1, 1]: less than that says nothing."""


@dataclass(frozen=True)
class Energy:
    """Pastes K candidate keys and takes the one that leaves the least to correct.

    Arguments:
        candidates: K, the number of keys tried, equally spaced in [0, 1].
        t: The time to ask at, in (0, 1); chosen on the data without the keys when None.
        frame_weight: What a pixel of the frame counts against one of the image, in [0, 1].
    """

    name: ClassVar[str] = "energy"
    candidates: int = 9
    t: float | None = None
    frame_weight: float = 0.1

    def __post_init__(self) -> None:
        if self.candidates < 3:
            raise BadInput(
                f"Energy needs at least 3 candidate keys, {self.candidates} were asked for."
            )
        require_asked_well("Energy", self.t, self.frame_weight)

    @property
    def grid(self) -> Float[Tensor, " K"]:
        """The candidate keys."""
        return torch.linspace(0, 1, self.candidates)

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """Takes the time at which the valleys are sharpest, with the mean and spread there."""
        best: dict[str, Any] = {"sharpness": -1.0}
        tried = {}
        for t in TIMES if self.t is None else (self.t,):
            curves = _level(self.energies(model, query, t))
            moments = {
                "mean": curves.mean(0).tolist(),
                "deviation": curves.std(0, correction=0).clamp(min=1e-6).tolist(),
            }
            tried[f"{t:g}"] = _sharpness(_standardise(curves, moments))
            if tried[f"{t:g}"] > best["sharpness"]:
                best = {"t": t, "sharpness": tried[f"{t:g}"], **moments}
        return {**best, "tried": tried}

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        times = len(TIMES) if self.t is None else 1
        shared = NEUTRAL in self.grid.tolist()
        frames = pattern.count * (self.candidates - shared) + shared
        return 2 * times * frames * images

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        curves = _level(self.energies(model, query, calibration["t"]))
        curves = _standardise(curves, calibration)
        return Reading(minimum(curves), energies=curves)

    def energies(self, model: Model, query: Query, t: float) -> Float[Tensor, "B M K"]:
        """The log energy of each candidate for each key, the other keys at neutral grey.

        A candidate of neutral grey is the same frame for every key, and is asked once: M keys cost
        M (K - 1) + 1 calls when K is odd.
        """
        known: dict[tuple[int, float], Tensor] = {}
        for m in range(query.pattern.count):
            for value in self.grid.tolist():
                # The neutral frame is that of the first key, whichever key is asked for.
                place = (0 if value == NEUTRAL else m, value)
                if place not in known:
                    keys = torch.full((len(query.images), query.pattern.count), NEUTRAL)
                    keys[:, m] = value
                    energy, _ = log_energy(model, query, keys, t, self.frame_weight)
                    known[place] = energy.cpu()
        columns = [
            torch.stack([known[0 if v == NEUTRAL else m, v] for v in self.grid.tolist()], 1)
            for m in range(query.pattern.count)
        ]
        return torch.stack(columns, 1)


def log_energy(
    model: Model,
    query: Query,
    keys: Keys,
    t: float,
    frame_weight: float,
    noise: Latents | None = None,
) -> tuple[Float[Tensor, " B"], Latents]:
    """The log energy of the images in frames of these keys, and what the model made of them.

    Over the cells of the latents, which are the pixels themselves for a model of pixels.
    Differentiable in the keys.

    Arguments:
        frame_weight: What a pixel of the frame counts against one of the image.
        noise: What is added, a row an image; nothing when None.

    Returns:
        The energies, with shape (B), and the expected latents.
    """
    alpha, sigma = model.schedule(t)
    z_0 = model.encode(query.frame(keys))
    z_t = alpha * z_0 if noise is None else alpha * z_0 + sigma * noise.to(z_0)
    found = model.denoise(z_t, t, query.condition)
    frame = query.painted(model.factor).to(z_0.device)
    weight = torch.where(frame, frame_weight, 1.0)
    weight = weight / (weight.sum() * z_0.shape[1])
    residual = ((z_0 - found) ** 2 * weight).sum((1, 2, 3))
    return ((alpha / sigma) ** 2 * (residual + FLOOR)).log(), found


def _level(energies: Float[Tensor, "B M K"]) -> Float[Tensor, "B M K"]:
    """Takes out how hard a picture is, and leaves how that depends on the key."""
    return energies - energies.mean(-1, keepdim=True)


def _standardise(
    curves: Float[Tensor, "B M K"], calibration: Calibration
) -> Float[Tensor, "B M K"]:
    mean = torch.tensor(calibration["mean"], dtype=curves.dtype)
    return (curves - mean) / torch.tensor(calibration["deviation"], dtype=curves.dtype)


def _valley(curves: Float[Tensor, "B M K"]) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The lowest candidate, moved inside if it is the first or last, and the three points there."""
    lowest = curves.argmin(-1, keepdim=True).clamp(1, curves.shape[-1] - 2)
    left, here, right = (curves.gather(-1, lowest + step) for step in (-1, 0, 1))
    return lowest, left, here, right


def _sharpness(curves: Float[Tensor, "B M K"]) -> float:
    """How much the valleys bend at their lowest point, in standard deviations, on average."""
    _, left, here, right = _valley(curves)
    return float((left - 2 * here + right).mean())


def minimum(curves: Float[Tensor, "B M K"]) -> Keys:
    """The lowest point of each curve, refined by the parabola through the three round it."""
    middle, left, here, right = _valley(curves)
    bend = left - 2 * here + right
    # Without a valley the lowest of the three points is all that can be said.
    edge = torch.sign(left - right) * (torch.minimum(left, right) < here)
    shift = torch.where(bend > 0, (left - right) / (2 * bend).clamp(min=1e-30), edge)
    return ((middle + shift.clamp(-1, 1)) / (curves.shape[-1] - 1)).squeeze(-1).clamp(0, 1)
