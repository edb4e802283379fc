"""Which frame comes back from an autoencoder: what is tried, and what is advised."""

from collections.abc import Sequence

import pytest
import torch
from autoencoders import Haar, Lossy
from torch.nn.functional import avg_pool2d, interpolate

from solidmark.data import open_data
from solidmark.errors import BadInput
from solidmark.marks import advise
from solidmark.measures.audit.thickness import Trial, advised, fitting_thicknesses, try_thicknesses
from solidmark.models import Codec, Gaussian
from solidmark.readers import RoundTrip


def model(codec: Codec) -> Gaussian:
    return Gaussian(
        torch.rand(2, 1, 16, 16, generator=torch.Generator().manual_seed(0)), codec=codec
    )


@pytest.mark.parametrize(
    ("side", "factor", "multiple", "expected"),
    [
        (256, 8, 8, [8, 16, 24, 32]),
        (512, 8, 64, [32, 64, 96, 128]),
        (256, 8, 16, [8, 16, 24, 32]),
        (24, 4, 8, [4]),  # 8 would be a third of the side.
        (8, 8, 8, [8]),
        (48, 8, 64, [8]),
    ],
)
def test_frames_of_whole_cells_that_fit_the_network(
    side: int, factor: int, multiple: int, expected: Sequence[int]
) -> None:
    found = fitting_thicknesses(side, side, factor, multiple)
    assert found == expected
    assert all(t % factor == 0 and (side + 2 * t) % multiple == 0 for t in found)


def test_no_frame_fits() -> None:
    with pytest.raises(BadInput, match="--resolution 256"):
        fitting_thicknesses(250, 250, 8, 64)


class Blur(Haar):
    """Every block of 4 x 4 pixels comes back as its mean: thin frames drown in the picture."""

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        return Haar.encode(self, interpolate(avg_pool2d(images, 4), scale_factor=4))


def test_a_thin_frame_that_drowns_has_the_higher_floor() -> None:
    images = open_data("digits", resolution=16, limit=8)
    trials = try_thicknesses(model(Blur()), images, [2, 4, 6], 2, 4)
    assert [trial.frame.pattern.thickness for trial in trials] == [2, 4, 6]
    assert all(trial.frame.pattern.count == 4 for trial in trials)
    thin, thick, _ = (trial.round_trip.floor for trial in trials)
    assert thin > 2 * thick
    assert advised(trials).frame.pattern.thickness > 2


def test_without_loss_the_thinnest_is_advised() -> None:
    images = open_data("digits", resolution=16, limit=4)
    trials = try_thicknesses(model(Haar()), images, [2, 4], 2, None)
    assert all(trial.round_trip.floor < 1e-6 for trial in trials)
    assert advised(trials) is trials[0]
    assert try_thicknesses(model(Lossy()), images, [2], 2, 1)[0].round_trip.bias > 0.01


@pytest.mark.parametrize(
    ("floors", "chosen"),
    [
        ((0.060, 0.030, 0.029, 0.028), 8),  # Within 10 % of the lowest.
        ((0.060, 0.040, 0.030, 0.020), 16),
        ((0.009, 0.001, 0.001, 0.001), 4),  # Lost in the error of any reader.
        ((0.012, 0.008, 0.002, 0.001), 8),
        ((0.050, 0.060, 0.070, 0.080), 4),
    ],
)
def test_the_rule(floors: tuple[float, ...], chosen: int) -> None:
    trials = [
        Trial(advise(64, 64, thickness=4 * number), RoundTrip((0.0,), (0.0,), (0.0,), (floor,)))
        for number, floor in enumerate(floors, 1)
    ]
    assert advised(trials).frame.pattern.thickness == chosen
