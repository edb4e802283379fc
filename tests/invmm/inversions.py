"""What the tests of inversions ask: a few digits, two analytic models, a plain similarity."""

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor

from solidmark.data import Sample, open_data
from solidmark.diffusion import Metered, Model
from solidmark.measures.invmm.inversion import Attempt, Inversion, Inverter
from solidmark.randomness import generator
from solidmark.types import Images


@cache
def digits(count: int = 24, side: int = 8) -> Images:
    """Pictures in [0, 1]."""
    data = open_data("digits", resolution=side, limit=count)
    return torch.stack([data[number].image for number in range(count)])


def samples(numbers: Sequence[int]) -> list[Sample]:
    return [
        Sample(f"digit-{n}", digits()[n], f"{n}", f"number {n % 3}", class_index=n % 4)
        for n in numbers
    ]


def alike(images: Images, others: Images) -> Tensor:
    """1 less the root mean square difference."""
    return 1 - (images - others).flatten(1).square().mean(1).sqrt()


def inverter(model: Model, inversion: Inversion, **options: object) -> Inverter:
    return Inverter(Metered(model), inversion, alike, **options)  # type: ignore[arg-type]


def begin(asked: Inverter, subjects: Sequence[Sample], seed: int = 0) -> list[Attempt]:
    return [asked.start(sample, generator(seed, sample.id)) for sample in subjects]


def finish(
    asked: Inverter, attempts: Sequence[Attempt], subjects: Sequence[Sample]
) -> list[Attempt]:
    """Advances until every attempt has its outcome."""
    found = list(attempts)
    while any(attempt.outcome is None for attempt in found):
        found = asked.advance(found, subjects)
    return found


def invert(
    model: Model, inversion: Inversion, subjects: Sequence[Sample], seed: int = 0
) -> list[Attempt]:
    asked = inverter(model, inversion)
    return finish(asked, begin(asked, subjects, seed), subjects)
