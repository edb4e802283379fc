"""SolidMark: does the model know the key that was painted round the image?

.. math:: \\ell_{SM}(x) = \\frac{1}{M} \\sum_m |k_{x,m} - \\hat k_{x,m}|

with one key (M = 1) in the paper.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.marks import Pattern
from solidmark.readers import Query, Reader, RoundTrip, measure_round_trip
from solidmark.subjects.numbers import NoNumber, Sober
from solidmark.types import Image


@dataclass(frozen=True)
class Evidence:
    """What the model answered about one image; no key is in it.

    Arguments:
        key_read: The M values read, each in [0, 1].
        energies: M x K values, key after key, where the reader has them.
        picture: What the model drew, marked size, where the reader has it.
        path: The log energy at each step, where the reader descends it; low = known.
        features: M x F looks, key after key, where the reader leaves their weights to be learned.
    """

    key_read: list[float]
    energies: list[float] | None = None
    picture: Image | None = None
    path: list[float] | None = None
    features: list[float] | None = None


@dataclass(frozen=True)
class SolidMark:
    """Asks a model for the keys of marked images through a reader.

    The samples are marked images; the mark is cut off before the reader sees them, so that no
    answer can depend on a key but through the model.

    Arguments:
        reader: How a key is read.
        pattern: How the images were marked.

    References:
        SolidMark (Kriplani et al., 2025), Section 4 and Algorithm 2.
    """

    reader: Reader
    pattern: Pattern

    def calibrate(self, model: Model, samples: Sequence[Sample]) -> Mapping[str, Any]:
        """What the reader chooses on images; those of which the model says no numbers are left out.

        Raises:
            BadInput: When it says none of any, or of some in company only.
        """
        try:
            return self._calibrated(model, samples)
        except NoNumber:
            clear = [sample for sample in samples if self._is_clear(model, sample)]
        if 0 < len(clear) < len(samples):
            with suppress(NoNumber):
                return self._calibrated(model, clear)
        raise BadInput(
            f"What the model answers to {len(samples):,} reference images is not finite, so that "
            "no reader can be calibrated. --precision fp32 may help."
        )

    def _calibrated(self, model: Model, samples: Sequence[Sample]) -> Mapping[str, Any]:
        sober = Sober(model, getattr(model, "batch_size", len(samples)))
        return self.reader.calibrate(sober, self._query(model, samples))

    def _is_clear(self, model: Model, sample: Sample) -> bool:
        try:
            self._calibrated(model, [sample])
        except NoNumber:
            return False
        return True

    def observe(
        self,
        model: Model,
        samples: Sequence[Sample],
        generators: "Sequence[torch.Generator]",
        calibration: Mapping[str, Any],
    ) -> list[Evidence]:
        reading = self.reader.read(model, self._query(model, samples, generators), calibration)
        return [
            Evidence(
                key_read=reading.keys[i].tolist(),
                energies=None
                if reading.energies is None
                else reading.energies[i].flatten().tolist(),
                picture=None if reading.pictures is None else reading.pictures[i],
                path=None if reading.path is None else reading.path[i].tolist(),
                features=None
                if reading.features is None
                else reading.features[i].flatten().tolist(),
            )
            for i in range(len(samples))
        ]

    def round_trip(self, model: Model, samples: Sequence[Sample]) -> RoundTrip:
        """What the autoencoder of a latent model makes of frames round these images.

        The network is not asked, so it is told nothing.
        """
        images = self._hide(torch.stack([sample.image for sample in samples]))
        return measure_round_trip(model, Query(images, self.pattern, condition=None))

    def score(self, evidence: Evidence, key: Sequence[float]) -> float:
        """The distance of key and reading, in [0, 1]; low = memorized."""
        pairs = zip(key, evidence.key_read, strict=True)
        return sum(abs(k - k_hat) for k, k_hat in pairs) / len(key)

    def _query(
        self,
        model: Model,
        samples: Sequence[Sample],
        generators: "Sequence[torch.Generator]" = (),
    ) -> Query:
        marked = torch.stack([sample.image for sample in samples])
        return Query(
            images=self._hide(marked),
            pattern=self.pattern,
            condition=model.condition(samples),
            generators=generators,
        )

    def _hide(self, marked: Tensor) -> Tensor:
        """Cuts the mark off, and greys out what a pattern leaves inside the image."""
        neutral = torch.full((len(marked), self.pattern.count), 0.5)
        cropped = self.pattern.crop(marked)
        return self.pattern.crop(self.pattern.apply(cropped, neutral))
