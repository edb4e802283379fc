"""A wrong word of a configuration shows in what a network says of images."""

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from solidmark.data import Sample
from solidmark.diffusion import beta_schedule, moments
from solidmark.models import PixelModel
from solidmark.subjects.opened import doubts, prediction_errors

KINDS = ("epsilon", "v_prediction", "sample")
SCHEDULE = beta_schedule("cosine")
Network = Callable[..., Any]


def samples(count: int = 4) -> list[Sample]:
    noise = torch.Generator().manual_seed(5)
    return [Sample(str(n), torch.rand(1, 8, 8, generator=noise), "") for n in range(count)]


def knows(kind: str, error: float = 0.0) -> Network:
    """A network that has learned these images by heart, and predicts what its kind says."""
    known = torch.stack([sample.image for sample in samples()]) * 2 - 1

    def network(z_t: torch.Tensor, step: torch.Tensor, class_labels: object = None) -> Any:
        alpha, sigma = moments(SCHEDULE, float(step[0]) / SCHEDULE.steps)
        noise = (z_t - alpha * known) / sigma
        target = {"epsilon": noise, "v_prediction": alpha * noise - sigma * known, "sample": known}
        off = torch.randn(z_t.shape, generator=torch.Generator().manual_seed(9))
        return SimpleNamespace(sample=target[kind] + error * target[kind].std() * off)

    return network


def told(network: Network, kind: Any) -> PixelModel:
    class Net(torch.nn.Module):
        """What a `PixelModel` asks of a `UNet2DModel`."""

        device, dtype = torch.device("cpu"), torch.float32
        config = SimpleNamespace(in_channels=1, num_class_embeds=None, sample_size=8)

        def forward(self, *words: Any, **more: Any) -> Any:
            return network(*words, **more)

    return PixelModel(Net(), SCHEDULE, kind)


@pytest.mark.parametrize("named", KINDS)
@pytest.mark.parametrize("truth", KINDS)
@pytest.mark.parametrize("error", [0.0, 0.3])
def test_what_it_predicts_is_found_and_a_wrong_word_is_said(
    truth: str, named: str, error: float
) -> None:
    model = told(knows(truth, error), named)
    errors = prediction_errors(model, samples(), 0)
    assert min(errors, key=lambda kind: errors[kind]) == truth
    # Noise of so many deviations is an error of its square, but for the mean of the target.
    assert errors[truth] == pytest.approx(error**2, rel=0.4, abs=1e-5)
    found = doubts(model, samples(), 0)
    if truth == named:
        assert found == ()
    else:
        assert len(found) == 1
        assert f"said to predict {named}" in found[0]
        assert f"much nearer to {truth}" in found[0]


@pytest.mark.parametrize("named", KINDS)
@pytest.mark.parametrize("seed", range(20))
def test_a_network_that_has_learned_nothing_speaks_against_nothing(named: str, seed: int) -> None:
    """Its answers are as far from every target."""

    def network(z_t: torch.Tensor, *_: object, **__: object) -> Any:
        noise = torch.Generator().manual_seed(seed)
        return SimpleNamespace(sample=torch.randn(z_t.shape, generator=noise))

    assert doubts(told(network, named), samples(), seed) == ()


def test_one_with_numbers_that_are_none_speaks_against_nothing() -> None:
    def network(z_t: torch.Tensor, *_: object, **__: object) -> Any:
        return SimpleNamespace(sample=z_t * torch.nan)

    assert doubts(told(network, "epsilon"), samples(), 0) == ()


@pytest.mark.parametrize(("factor", "said"), [(1.0, 0), (5.5, 1), (0.18, 1), (1.6, 0)])
def test_latents_that_are_scaled_by_the_factor_of_another_model(
    factor: float, said: int, tmp_path: Path
) -> None:
    """1 / 0.18215 = 5.5 is what Stable Diffusion 1 has without any."""
    import tiny

    from solidmark.models import LatentModel, open_model

    model = open_model(str(tiny.stable_diffusion(tmp_path / "sd")))
    assert isinstance(model, LatentModel)
    images = [
        Sample(str(n), torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(n)), "", "a")
        for n in range(3)
    ]
    size = float(model.encode(torch.stack([s.image for s in images])).square().mean().sqrt())
    config = model.vae.network.config
    model.vae.network.register_to_config(scaling_factor=config.scaling_factor * factor / size)
    found = [line for line in doubts(model, images, 0) if "root mean square" in line]
    assert len(found) == said
