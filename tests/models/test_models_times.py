"""A batch asked at a time of its own for each row is those rows asked one by one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from families import samples, size
from rounding import answer

from solidmark.diffusion import FlowSchedule, Metered, beta_schedule, moments, times_told
from solidmark.models import Gaussian, LatentModel, Memorizer, open_model

TIMES = [0.9, 0.137, 0.02]


def check(model: Any, z: torch.Tensor, condition: Any) -> None:
    together = Metered(model, 2).denoise(z, torch.tensor(TIMES), condition)
    for row, time in enumerate(TIMES):
        told = None if condition is None else condition[row : row + 1]
        alone = model.denoise(z[row : row + 1], time, told)
        bounds = answer(*model.schedule(time))
        torch.testing.assert_close(together[row : row + 1], alone, **bounds)
    same = model.denoise(z, TIMES[0], condition)
    assert not torch.allclose(together[1:], same[1:], atol=1e-4)  # The time does matter.


@pytest.mark.parametrize("name", ["sd", "sd-v", "sdxl", "sd3", "flux-dev", "dit", "pixart-sigma"])
@pytest.mark.rounding
def test_latent_models(opened: Callable[[str], LatentModel], name: str) -> None:
    model = opened(name)
    height, width = size(name)
    three = samples(3, height, width)
    like = model.encode(torch.stack([sample.image for sample in three]))
    z = torch.randn(like.shape, generator=torch.Generator().manual_seed(1))
    check(model, z, model.condition(three))


@pytest.mark.rounding
def test_pixel_models(save_unet: Callable[..., Path]) -> None:
    z = torch.randn(3, 1, 12, 12, generator=torch.Generator().manual_seed(1))
    check(open_model(str(save_unet())), z, None)


@pytest.mark.parametrize("control", [Memorizer, Gaussian])
@pytest.mark.parametrize("schedule", [beta_schedule("linear"), FlowSchedule(shift=3.0)])
@pytest.mark.rounding
def test_closed_forms(control: Any, schedule: Any) -> None:
    images = torch.rand(5, 1, 6, 6, generator=torch.Generator().manual_seed(0))
    model = control(images, schedule)
    x = model.encode(images)[:3]
    alpha, sigma = moments(schedule, torch.tensor(TIMES))
    noise = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    check(model, alpha * x + sigma * noise, None)


def test_moments_are_those_of_the_schedule() -> None:
    schedule = beta_schedule("cosine")
    alpha, sigma = moments(schedule, torch.tensor(TIMES))
    assert alpha.shape == sigma.shape == (3, 1, 1, 1)
    for row, time in enumerate(TIMES):
        assert (alpha[row].item(), sigma[row].item()) == pytest.approx(schedule(time), abs=1e-7)
    assert moments(schedule, 0.5) == schedule(0.5)


def test_what_a_network_is_told_of_a_time() -> None:
    schedule = beta_schedule("cosine")
    assert times_told(schedule.index, torch.tensor(TIMES), 3).tolist() == [900, 137, 20]
    assert times_told(schedule.network_time, 0.5, 2).tolist() == [500.0, 500.0]
