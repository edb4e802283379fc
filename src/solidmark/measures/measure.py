"""What a measure is: a slow half that asks the model, and a pure half that scores the answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

from solidmark.data import Sample
from solidmark.diffusion import Model
from solidmark.late import torch
from solidmark.types import Image


@dataclass(frozen=True)
class Card:
    """What everybody must know of a measure before reading a number of it.

    Arguments:
        name: Its name in tables.
        unit: The unit of its score.
        direction: Which way means memorized: `low` or `high`.
        paper: Where it comes from.
    """

    name: str
    unit: str
    direction: Literal["low", "high"]
    paper: str


@dataclass(frozen=True)
class Evidence:
    """What the model answered about one image; no key is in it.

    Arguments:
        key_read: The M values read, each in [0, 1].
        energies: M x K values, key after key, where the reader has them.
        picture: What the model drew, marked size, where the reader has it.
        path: The log energy at each step, where the reader descends it; low = known.
    """

    key_read: list[float]
    energies: list[float] | None = None
    picture: Image | None = None
    path: list[float] | None = None


@runtime_checkable
class Measure(Protocol):
    """A way to say how strongly an image is memorized. Its fields are its configuration."""

    @property
    def card(self) -> Card: ...

    def calibrate(self, model: Model, samples: Sequence[Sample]) -> Mapping[str, Any]:
        """Chooses what can be chosen on reference images without the answers, as JSON values."""
        ...

    def observe(
        self,
        model: Model,
        samples: Sequence[Sample],
        generators: "Sequence[torch.Generator]",
        calibration: Mapping[str, Any],
    ) -> list[Evidence]:
        """Asks the model about a batch: slow, random, on the device. One answer an image."""
        ...

    def score(self, evidence: Evidence, key: Sequence[float]) -> float:
        """The score of one answer: pure."""
        ...
