"""Algorithm 1: outpainting for models that work on latents.

.. math::
    x_t = m \\odot \\mathcal{D}(z_t) + (1 - m) \\odot (\\alpha_t x + \\sigma_t \\epsilon),
    \\qquad z_t \\leftarrow \\mathcal{E}(x_t)

Ordinary sampling, and after every s-th step the latents are decoded, the image noised to that time
is pasted over the known part, and the whole is encoded again. `paste = latents` is the cheap
variant: the known cells of the latents are replaced at every step, and nothing is decoded before
the end. What is read of the last picture is corrected by the grey round trip of the autoencoder.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, get_args

from solidmark.cards.asked import Paste
from solidmark.diffusion import Denoiser, Known, Model, inpaint_latents
from solidmark.errors import BadInput, UnknownName
from solidmark.marks import Pattern
from solidmark.readers.reader import Calibration, Query, Reading
from solidmark.readers.roundtrip import RoundTrip, measure_round_trip, round_trip_passes


@dataclass(frozen=True)
class LatentOutpaint:
    """Draws the frame round the known image in the latent space.

    Arguments:
        steps: Sampling steps; 100 in the paper's script.
        guidance: Scale of classifier-free guidance; above 1 each step costs two network calls.
        every: s: steps from one pasting to the next; 10 in the paper.
        paste: `pixels` = Algorithm 1, `latents` = replace the known cells at every step.
        eta: 1 = ancestral sampling (DDPM), 0 = deterministic (DDIM).

    References:
        SolidMark (Kriplani et al., 2025), Algorithm 1 and Appendix B; Avrahami et al., 2023
        (blended latent diffusion); Ho and Salimans, 2022 (guidance).
    """

    name: ClassVar[str] = "latent-outpaint"
    steps: int = 100
    guidance: float = 3.0
    every: int = 10
    paste: Paste = "pixels"
    eta: float = 0.0

    def __post_init__(self) -> None:
        if not 1 <= self.steps <= 1000:
            raise BadInput(f"LatentOutpaint takes 1 to 1000 steps, not {self.steps}.")
        if self.every < 1:
            raise BadInput(f"LatentOutpaint pastes every 1 or more steps, not every {self.every}.")
        if self.paste not in get_args(Paste):
            raise UnknownName("way to paste", self.paste, get_args(Paste))
        if not 0 <= self.eta <= 1 or not self.guidance >= 0:
            raise BadInput(
                "LatentOutpaint takes eta in [0, 1] and a guidance of 0 or more, not "
                f"{self.eta}, {self.guidance}."
            )

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
        pictures = inpaint_latents(
            Denoiser(model, query.condition, self.guidance),
            Known(query.frame(), query.painted(1), query.generators),
            self.steps,
            every=self.every,
            paste=self.paste,
            eta=self.eta,
        )
        keys = RoundTrip.from_json(calibration["round_trip"]).correct(query.pattern.read(pictures))
        return Reading(keys, pictures=pictures)
