"""Signals of the field, at models whose answers are known in closed form."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score

from solidmark.data import Sample, open_data
from solidmark.diffusion import beta_schedule
from solidmark.errors import BadInput
from solidmark.measures.signals.kinds import (
    Anisotropy,
    FixedLoss,
    Flipd,
    Loss,
    Magnitude,
    Sharpness,
    Signal,
    Sima,
)
from solidmark.measures.signals.kinds.anisotropy import FIRST, NEARLY_CLEAN, cosine
from solidmark.measures.signals.kinds.fixed_loss import TIMES
from solidmark.models import Gaussian, Memorizer
from solidmark.randomness import generator

SHAPE, SCHEDULE = (1, 6, 6), beta_schedule("linear")
D = math.prod(SHAPE)


@dataclass(frozen=True)
class Pair:
    """Told its prompt it knows one picture by heart; told nothing it knows unit noise alone."""

    picture: torch.Tensor
    schedule: Any = SCHEDULE
    channels: int = 1
    factor: int = 1

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return 2 * images - 1

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return (latents + 1) / 2

    def condition(self, samples: Sequence[Sample]) -> torch.Tensor:
        return torch.ones(len(samples), dtype=torch.bool)

    def unconditional(self, condition: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(condition)

    def denoise(self, z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        alpha, _ = self.schedule(t)
        told = condition.reshape(-1, 1, 1, 1)
        return torch.where(told, self.picture.to(z_t), alpha * z_t)


@dataclass(frozen=True)
class Unit(Pair):
    """Unit noise alone, whatever it is told."""

    def denoise(self, z_t: torch.Tensor, t: float, condition: torch.Tensor) -> torch.Tensor:
        return self.schedule(t)[0] * z_t


def pictures(count: int, length: float | None = None) -> list[Sample]:
    """Random pictures, whose latents have a length where one is asked for."""
    found = []
    for number in range(count):
        z = torch.randn(SHAPE, generator=torch.Generator().manual_seed(number)) / 4
        z = z if length is None else z / z.norm() * length
        found.append(Sample(f"{number}", (z + 1) / 2, f"{number}", "a prompt"))
    return found


def digits(count: int, side: int) -> list[Sample]:
    data = open_data("digits", resolution=side, limit=count)
    return [data[number] for number in range(count)]


def values(signal: Signal, model: Any, samples: list[Sample], seed: int = 0) -> np.ndarray:
    drawn = [generator(seed, sample.id) for sample in samples]
    return signal.measure(model, samples, drawn).numpy()


def noise_of(sample: Sample, draws: int) -> list[torch.Tensor]:
    own = generator(0, sample.id)
    return [torch.randn(SHAPE, generator=own) for _ in range(draws)]


PICTURE = torch.randn(SHAPE, generator=torch.Generator().manual_seed(99))
PAIR = Pair(PICTURE / PICTURE.norm() * math.sqrt(D))
UNIT = Unit(torch.zeros(SHAPE))


def test_the_sharpness_of_a_prompted_peak_is_that_of_its_formula() -> None:
    """H_c - H_u = -(a^2 / s^2) I, so that the product is a^2 / s^2 times the score's change."""
    samples = pictures(3)
    alpha, sigma = PAIR.schedule(FIRST)
    expected = []
    for sample in samples:
        each = [
            (alpha**2 / sigma**2) * float((alpha * PAIR.picture - alpha**2 * x).norm()) / sigma**2
            for x in noise_of(sample, 2)
        ]
        expected.append(np.mean(each))
    # A difference over a step of length 1, of single precision.
    assert values(Sharpness(2), PAIR, samples) == pytest.approx(expected, rel=1e-3)
    assert values(Sharpness(2), UNIT, samples).tolist() == [0.0] * 3


def test_the_anisotropy_is_the_magnitude_and_a_cosine() -> None:
    samples = pictures(4)
    alone = values(Anisotropy(2, cosine_weight=0.0), PAIR, samples)
    alpha, sigma = PAIR.schedule(FIRST)
    for sample, found in zip(samples, alone, strict=True):
        moved = [alpha / sigma * (PAIR.picture - alpha * x).norm() for x in noise_of(sample, 2)]
        assert found == pytest.approx(float(np.mean(moved)), rel=1e-5)
    # At little noise the prompt pulls to the picture, across where noise of its length pulls.
    many = pictures(400)
    cosines = values(Anisotropy(1, norm_weight=0.0, cosine_weight=1.0), PAIR, many)
    abar = PAIR.schedule(NEARLY_CLEAN)[0] ** 2
    error = cosines.std() / math.sqrt(len(many))
    # Noise of 36 numbers is not always as long: a hundredth of the cosine.
    assert abs(cosines.mean() - math.sqrt(abar / (1 + abar))) < 0.01 + 4 * error
    assert values(Anisotropy(2), UNIT, samples).tolist() == [0.0] * 4
    assert cosine(torch.zeros(2, 3), torch.ones(2, 3)).tolist() == [0.0, 0.0]


def test_the_dimension_of_unit_noise_and_of_a_point() -> None:
    """D (1 - s^4) for a picture as long as noise is; 0 at what is known by heart."""
    samples = pictures(3, math.sqrt(D))
    for time in (0.05, 0.3):
        _, sigma = UNIT.schedule(time)
        found = values(Flipd(2, time), UNIT, samples)
        assert found == pytest.approx([D * (1 - sigma**4)] * 3, rel=1e-3)
    known = digits(8, 6)
    model = Memorizer(torch.stack([sample.image for sample in known[:4]]))
    found = values(Flipd(8), model, known)
    # Hutchinson's trace of a diagonal matrix has no error.
    assert np.abs(found[:4]).max() < 0.05 * D
    assert found[4:].min() > 2 * D


def test_the_noise_that_is_seen_in_a_clean_picture() -> None:
    samples = pictures(3)
    _, sigma = UNIT.schedule(0.1)
    expected = [float((sigma * (2 * s.image - 1)).norm(p=4)) for s in samples]
    assert values(Sima(), UNIT, samples) == pytest.approx(expected, rel=1e-5)
    # What is drawn is nothing: two seeds say the same.
    assert np.array_equal(values(Sima(), UNIT, samples, 1), values(Sima(), UNIT, samples))


def test_the_fixed_loss_of_unit_noise_is_the_part_of_the_picture() -> None:
    """The squared error a number is a^2 on average, by time; each noise serves all four times."""
    samples = pictures(300, math.sqrt(D))
    expected = np.mean([UNIT.schedule(t)[0] ** 2 for t in TIMES])
    found = values(FixedLoss(4), UNIT, samples)
    assert found.mean() == pytest.approx(expected, abs=4 * found.std() / math.sqrt(300))
    one = samples[0]
    by_hand = 0.0
    for noise in noise_of(one, 2):
        for t in TIMES:
            alpha, sigma = UNIT.schedule(t)
            z = alpha * (2 * one.image - 1) + sigma * noise
            by_hand += float((sigma * z - noise).square().mean()) / 8
    assert values(FixedLoss(2), UNIT, [one])[0] == pytest.approx(by_hand, rel=1e-4)


@pytest.mark.parametrize("signal", [FixedLoss(2), Sima(), Flipd(2)], ids=lambda s: s.card.name)
def test_what_is_known_by_heart_stands_out_and_moments_do_not(signal: Signal) -> None:
    samples = digits(40, 12)
    images = torch.stack([sample.image for sample in samples])
    known = values(signal, Memorizer(images[:20]), samples)
    assert roc_auc_score([1] * 20 + [0] * 20, -known) > 0.95
    # The moments of all of them are as much those of one half as of the other.
    samples = digits(400, 4)
    model = Gaussian(torch.stack([sample.image for sample in samples]))
    area = roc_auc_score([1] * 200 + [0] * 200, -values(signal, model, samples))
    assert abs(area - 0.5) < 3.5 * math.sqrt(401 / (12 * 200 * 200))


@pytest.mark.parametrize("signal", [Anisotropy(2), Sharpness(2)], ids=lambda s: s.card.name)
def test_prompts_that_are_known_stand_out(signal: Signal) -> None:
    samples = [
        Sample(one.id, one.image, one.id, f"digit {n}") for n, one in enumerate(digits(12, 8))
    ]
    known = samples[:6]
    model = Memorizer(
        torch.stack([sample.image for sample in known]),
        beta_schedule("linear"),
        told=tuple(str(sample.caption) for sample in known),
    )
    found = values(signal, model, samples)
    assert np.abs(found[:6]).min() > 0
    assert (found[6:] == 0).all()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: Anisotropy(0),
        lambda: Sharpness(0),
        lambda: FixedLoss(0),
        lambda: Flipd(0),
        lambda: Flipd(time=1.0),
        lambda: Sima(time=0.0),
    ],
)
def test_what_makes_no_sense_is_refused(wrong: Any) -> None:
    with pytest.raises(BadInput):
        wrong()


def test_costs_are_those_of_the_cards() -> None:
    for signal, calls in ((Anisotropy(), 16), (Sharpness(), 16), (Flipd(), 9), (Sima(), 1)):
        assert signal.card.network_calls == calls
    assert FixedLoss().card.network_calls == 16 == Loss(16).card.network_calls
    assert Magnitude().card.direction == Sharpness().card.direction == "high"
