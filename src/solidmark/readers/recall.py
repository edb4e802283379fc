"""The recall reader: what does the model see in pure noise when it is told the caption?

.. math:: \\hat k = r^{-1}\\Big(\\mathrm{read}\\big(\\mathcal{D}\\big(\\tfrac1n \\sum_{j=1}^{n}
    \\hat z_0(\\alpha_t z + \\sigma_t \\epsilon_j, t, c)\\big)\\big)\\Big), \\qquad t \\approx 1

z is the image in a neutral frame, of which nothing is left at that time, and r the grey round trip
of the autoencoder. A caption that belongs to one picture names it before sampling begins: a model
that has memorized the pair expects the picture in its frame at the very first call, and later
calls hardly know better. Where nothing tells pictures apart but the pictures themselves, it sees
nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from solidmark.diffusion import Denoiser, Model, Sampler
from solidmark.errors import BadInput
from solidmark.late import torch
from solidmark.marks import Pattern
from solidmark.randomness import normal
from solidmark.readers.reader import Calibration, Query, Reading, require_asked_well
from solidmark.readers.roundtrip import RoundTrip, measure_round_trip, round_trip_passes


@dataclass(frozen=True)
class Recall:
    """Asks once from pure noise, with the caption or the class, and reads the frame expected.

    Arguments:
        draws: n, network calls an image, each with noise of its own.
        guidance: Scale of classifier-free guidance; above 1 each draw costs two network calls.
        t: The time to ask at, in (0, 1), the last training step of 1000 by default.

    References:
        Ours. Wen et al., 2024, find memorized prompts by the size of the prediction at this step.
    """

    name: ClassVar[str] = "recall"
    draws: int = 4
    guidance: float = 1.0
    t: float = 0.999

    def __post_init__(self) -> None:
        if self.draws < 1 or not self.guidance >= 0:
            raise BadInput(
                "Recall takes 1 or more draws and a guidance of 0 or more, not "
                f"{self.draws} and {self.guidance}."
            )
        require_asked_well("Recall", self.t)

    def calibrate(self, model: Model, query: Query) -> Calibration:
        """Measures the grey round trip.

        Raises:
            MissingCapability: When there is guidance, and the model has nothing to be led from.
        """
        if self.guidance != 1:
            model.unconditional(query.condition)
        return {"round_trip": measure_round_trip(model, query).to_json()}

    def passes(self, images: int, pattern: Pattern, size: Sequence[int]) -> int:
        return round_trip_passes(images, size)

    def read(self, model: Model, query: Query, calibration: Calibration) -> Reading:
        framed = query.frame()
        known = model.encode(framed)
        sampler = Sampler(model.schedule)
        denoiser = Denoiser(model, query.condition, self.guidance)
        expected = torch.zeros_like(known)
        for _ in range(self.draws):
            noise = normal(query.generators, known.shape[1:]).to(known)
            z = sampler.diffuse(known, noise, self.t)
            expected += denoiser(z, self.t) / self.draws
        drawn = model.decode(expected).clamp(0, 1).cpu()
        keys = RoundTrip.from_json(calibration["round_trip"]).correct(query.pattern.read(drawn))
        return Reading(keys, pictures=torch.where(query.painted(1), drawn, framed))
