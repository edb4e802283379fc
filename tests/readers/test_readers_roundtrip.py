"""The grey round trip: what an autoencoder does to keys is measured, and undone."""

import math
from dataclasses import dataclass, field

import numpy as np
import pytest
import torch
from autoencoders import Haar, Lossy
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from solidmark.data import Sample
from solidmark.marks import Border, Center, Keymap, Pattern, Segments
from solidmark.models import Codec, Gaussian, Pixels
from solidmark.readers import Energy, Query, RoundTrip, measure_round_trip, roundtrip, sent_round
from solidmark.readers.roundtrip import correct
from solidmark.subjects import SolidMark

GRID = tuple(torch.linspace(0, 1, 9).tolist())
LEVELS = torch.linspace(0, 1, 101)[:, None].double()


def noise(count: int, side: int = 8, channels: int = 3) -> torch.Tensor:
    return torch.rand(count, channels, side, side, generator=torch.Generator().manual_seed(count))


def model(images: torch.Tensor, pattern: Pattern, codec: Codec) -> Gaussian:
    """Its denoiser is not asked; only its codec is."""
    return Gaussian(
        pattern.apply(images, torch.full((len(images), pattern.count), 0.5)), codec=codec
    )


def measured(images: torch.Tensor, pattern: Pattern, codec: Codec) -> RoundTrip:
    return measure_round_trip(model(images, pattern, codec), Query(images, pattern, None))


def test_a_known_curve_is_inverted_to_its_very_ends() -> None:
    """Exactly at the measured points; between them, straight lines stay near a smooth curve."""
    means = [0.1 + 0.5 * key + 0.3 * key**2 for key in GRID]
    found = correct(torch.tensor(means)[:, None].double(), GRID, means)
    torch.testing.assert_close(found[:, 0], torch.tensor(GRID).double())
    curve = 0.1 + 0.5 * LEVELS + 0.3 * LEVELS**2
    assert (correct(curve, GRID, means) - LEVELS).abs().max() < 0.003
    beyond = torch.tensor([-1, 0, 0.1, 0.9, 1, 2], dtype=torch.float64)[:, None]
    found = correct(beyond, GRID, means).flatten().tolist()
    assert found == pytest.approx([0, 0, 0, 1, 1, 1], abs=1e-9)


@given(st.lists(st.integers(0, 20), min_size=2, max_size=12))
@settings(max_examples=200, deadline=None)
def test_a_curve_that_falls_is_inverted_as_its_nearest_monotone_one(levels: list[int]) -> None:
    """Against scikit-learn's isotonic regression; a flat stretch is the middle of its keys."""
    means = [level / 20 for level in levels]
    keys = torch.linspace(0, 1, len(means)).tolist()
    fit = IsotonicRegression().fit_transform(keys, means).round(9)
    stretches = {value: np.array(keys)[fit == value] for value in fit}
    for value, inside in stretches.items():
        found = float(correct(torch.tensor([[value]]).double(), keys, means))
        assert found == pytest.approx((inside[0] + inside[-1]) / 2, abs=1e-6)
    between = correct(LEVELS, keys, means)
    assert (between.diff(dim=0) >= 0).all()
    assert between.min() >= 0
    assert between.max() <= 1


def test_a_curve_with_a_dent_by_hand() -> None:
    means = (0.0, 0.4, 0.2, 1.0)
    keys = (0.0, 0.25, 0.75, 1.0)
    found = correct(torch.tensor([[0.0, 0.15, 0.3, 0.65, 1.0]]).double(), keys, means)
    assert found[0].tolist() == pytest.approx([0, 0.25, 0.5, 0.75, 1])


@pytest.mark.parametrize("pattern", [Border(2), Segments(2, 16), Center(4)], ids=str)
def test_pixels_come_back_as_they_went_in(pattern: Pattern) -> None:
    images = pattern.crop(noise(3, 8, 1)) if isinstance(pattern, Center) else noise(3, 8, 1)
    found = measured(images, pattern, Pixels())
    assert found.keys == GRID
    assert found.means == pytest.approx(GRID, abs=1e-6)
    assert max(found.bias, found.spread, found.floor) < 1e-6
    torch.testing.assert_close(found.correct(LEVELS), LEVELS, atol=1e-6, rtol=0)


@dataclass
class Spy:
    """Keeps what it is given to encode."""

    seen: list[torch.Tensor] = field(default_factory=list)
    factor: int = 1

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        self.seen.append(images.clone())
        return images

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return latents


@pytest.mark.parametrize("count", [1, 2, 4, 9, 16, 20])
def test_every_key_takes_every_level_once_and_neighbours_differ(count: int) -> None:
    images, pattern, spy = noise(2), Segments(2, count), Spy()
    who = model(images, pattern, spy)
    spy.seen.clear()
    measure_round_trip(who, Query(images, pattern, None))
    painted = torch.stack([pattern.read(seen) for seen in spy.seen])  # (turns, images, keys)
    for number in range(2):
        for key in range(count):
            assert sorted(painted[:, number, key].tolist()) == pytest.approx(GRID, abs=1e-6)
    if count > 1:
        assert painted.diff(dim=2).abs().min() > 0.2
    for seen in spy.seen:
        assert torch.equal(pattern.crop(seen), images)


@pytest.mark.parametrize("pattern", [Border(2), Segments(2, 4)], ids=str)
def test_bias_spread_and_floor_against_their_definitions(pattern: Pattern) -> None:
    """By numpy, over each image and key, with the law of the autoencoder written out."""
    images, count = noise(5), pattern.count
    found = measured(images, pattern, Lossy())
    layout = pattern.layout(12, 12).numpy()
    read: dict[int, list[float]] = {level: [] for level in range(9)}
    for turn in range(9):
        places = [(2 * m + turn) % 9 for m in range(count)]
        seen = pattern.apply(images, torch.tensor(GRID)[places].expand(5, count)).numpy()
        blocks = seen.reshape(5, 3, 6, 2, 6, 2).mean((3, 5)).repeat(2, 2).repeat(2, 3)
        out = 0.1 + 0.7 * blocks + 0.1 * seen.mean((1, 2, 3), keepdims=True)
        for m, place in enumerate(places):
            read[place] += out[:, :, layout == m].mean((1, 2)).tolist()
    means = [np.mean(read[level]) for level in range(9)]
    spreads = [np.std(read[level]) for level in range(9)]
    assert found.means == pytest.approx(means, abs=1e-6)
    assert found.spreads == pytest.approx(spreads, abs=1e-6)
    assert found.bias == pytest.approx(np.mean(np.abs(np.subtract(means, GRID))), abs=1e-6)
    assert found.spread == pytest.approx(math.sqrt(np.mean(np.square(spreads))), abs=1e-6)
    left = [np.abs(np.interp(read[level], means, GRID) - GRID[level]) for level in range(9)]
    assert found.floor == pytest.approx(np.mean(left), abs=1e-6)


def test_less_contrast_makes_the_same_spread_a_larger_error() -> None:
    images, pattern = noise(6), Border(2)
    one, other = (
        measured(images, pattern, Lossy(offset=0.2, contrast=contrast, tint=0.05))
        for contrast in (0.6, 0.3)
    )
    assert one.spread == pytest.approx(other.spread, rel=1e-3)
    assert other.floor == pytest.approx(2 * one.floor, rel=0.2)


def test_a_lossless_autoencoder_has_no_floor() -> None:
    found = measured(noise(4), Segments(2, 8), Haar())
    assert max(found.bias, found.spread, found.floor) < 1e-6


def test_json_holds_it_all() -> None:
    found = measured(noise(3), Border(2), Lossy())
    assert RoundTrip.from_json(found.to_json()) == found


def test_it_is_blind_to_the_keys() -> None:
    """The same pictures in frames of other keys give the same round trip, to the bit."""
    images, pattern = noise(6), Segments(2, 4)
    measure = SolidMark(Energy(), pattern)
    found = []
    for seed in (1, 2):
        ids = [f"{number}" for number in range(6)]
        marked = pattern.apply(images, Keymap(seed, 4)(ids))
        samples = [Sample(id, image, "", None, None) for id, image in zip(ids, marked, strict=True)]
        found.append(measure.round_trip(model(images, pattern, Lossy()), samples))
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("images", "side", "sent"),
    [(64, 32, 64), (64, 128, 64), (64, 160, 40), (64, 256, 16), (64, 1024, 16), (12, 1024, 12)],
)
def test_of_many_large_pictures_some_are_sent_round(images: int, side: int, sent: int) -> None:
    assert sent_round(images, (side, side)) == sent


def test_those_that_are_sent_round_lie_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """References are sorted by name, and names by class or split."""
    monkeypatch.setattr(roundtrip, "ALL", 0)
    monkeypatch.setattr(roundtrip, "ENOUGH", 4)
    images = noise(16)
    some = measured(images, Segments(2, 4), Lossy())
    assert some == measured(images[[0, 4, 8, 12]], Segments(2, 4), Lossy())


def test_some_say_nearly_what_all_say(monkeypatch: pytest.MonkeyPatch) -> None:
    """The curve within four standard errors, the floor within what 16 pictures can say of it."""
    images, pattern = noise(64), Segments(2, 4)
    whole = measured(images, pattern, Lossy())
    monkeypatch.setattr(roundtrip, "ALL", 0)
    some = measured(images, pattern, Lossy())
    for one, other, spread in zip(some.means, whole.means, whole.spreads, strict=True):
        assert abs(one - other) <= 4 * spread / math.sqrt(roundtrip.ENOUGH) + 1e-6
    assert some.floor == pytest.approx(whole.floor, rel=0.25, abs=1e-4)
