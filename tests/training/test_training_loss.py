"""The loss against diffusers: its schedulers, its weights, and its flow."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from diffusers.training_utils import compute_snr

from solidmark.diffusion import DiscreteSchedule, FlowSchedule
from solidmark.errors import BadInput
from solidmark.models import Conditions
from solidmark.training.batches import Batch
from solidmark.training.loss import DenoisingLoss
from solidmark.training.network import build_scheduler
from training.folders import small

TIMES = torch.tensor([0, 3, 200, 500, 999])


def batch(images: torch.Tensor) -> Batch:
    noise = torch.randn(images.shape, generator=torch.Generator().manual_seed(7))
    return Batch(images, TIMES, noise, None, torch.full((5,), 1 / 5))


def latents() -> torch.Tensor:
    return torch.randn(5, 4, 6, 6, generator=torch.Generator().manual_seed(3))


def off_by(error: torch.Tensor, target: torch.Tensor) -> Any:
    """A network that is off by its own error at each time."""

    def unet(z_t: torch.Tensor, t: torch.Tensor, class_labels: None) -> SimpleNamespace:
        return SimpleNamespace(sample=target + error[:, None, None, None])

    return unet


@pytest.mark.parametrize("kind", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("gamma", [1.0, 5.0])
def test_min_snr_weighs_as_the_examples_of_diffusers(kind: str, gamma: float) -> None:
    """`train_text_to_image.py`: min(SNR, gamma) / SNR for epsilon, / (SNR + 1) for v."""
    scheduler = build_scheduler(small(prediction_type=kind))
    shown = batch(latents())
    target = shown.noise
    if kind == "v_prediction":
        target = scheduler.get_velocity(shown.images, shown.noise, TIMES)
    snr = compute_snr(scheduler, TIMES)
    weights = torch.stack([snr, gamma * torch.ones_like(TIMES)], dim=1).min(dim=1)[0]
    weights = weights / (snr + 1 if kind == "v_prediction" else snr)
    error = torch.tensor([0.1, 0.4, 0.2, 0.3, 0.5])
    schedule = DiscreteSchedule(scheduler.alphas_cumprod)
    loss = DenoisingLoss(schedule, kind, snr_gamma=gamma)  # type: ignore[arg-type]
    expected = (weights * error**2).mean()
    assert float(loss(off_by(error, target), shown)) == pytest.approx(float(expected), rel=1e-3)
    plain = DenoisingLoss(schedule, kind)  # type: ignore[arg-type]
    found = float(plain(off_by(error, target), shown))
    assert found == pytest.approx(float((error**2).mean()), rel=1e-3)


def test_min_snr_of_a_network_that_says_the_image_is_the_ratio_itself() -> None:
    """Hang et al., 2023: the loss in epsilon is that of the image times the ratio."""
    scheduler = build_scheduler(small(prediction_type="sample"))
    shown, error = batch(latents()), torch.tensor([0.01, 0.4, 0.2, 0.3, 0.5])
    loss = DenoisingLoss(DiscreteSchedule(scheduler.alphas_cumprod), "sample", snr_gamma=5.0)
    expected = (compute_snr(scheduler, TIMES).clamp(max=5) * error**2).mean()
    found = float(loss(off_by(error, shown.images), shown))
    assert found == pytest.approx(float(expected), rel=1e-3)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_the_loss_of_a_flow_is_zero_for_the_network_that_knows(shift: float) -> None:
    """Against the flow scheduler of diffusers: its sigmas, its noisy images, what it is told."""
    from diffusers import FlowMatchEulerDiscreteScheduler

    scheduler = FlowMatchEulerDiscreteScheduler(num_train_timesteps=1000, shift=shift)
    shown = batch(latents())
    # Its times run from noise to image.
    told = scheduler.timesteps.flip(0)[TIMES]
    z_t = scheduler.scale_noise(shown.images, told, shown.noise)

    def flow(network: Any, z: torch.Tensor, time: torch.Tensor, told_too: Conditions | None) -> Any:
        torch.testing.assert_close(z, z_t, rtol=0, atol=1e-4)
        torch.testing.assert_close(time, told, rtol=1e-4, atol=1e-3)
        return shown.noise - shown.images + network

    loss = DenoisingLoss(FlowSchedule(shift), "flow_prediction", flow)
    assert float(loss(0.0, shown)) == pytest.approx(0, abs=1e-10)
    assert float(loss(0.5, shown)) == pytest.approx(0.25, rel=1e-5)


def test_a_flow_has_no_min_snr_weights() -> None:
    with pytest.raises(BadInput, match=r'this one predicts "flow_prediction"\. Use 0'):
        DenoisingLoss(FlowSchedule(), "flow_prediction", snr_gamma=5.0)


def test_bytes_are_denoised_on_the_scale_of_pixels_and_latents_as_they_are() -> None:
    schedule = DiscreteSchedule(build_scheduler(small()).alphas_cumprod)
    loss = DenoisingLoss(schedule, "sample")
    pixels = torch.randint(256, (5, 3, 6, 6), dtype=torch.uint8)
    for images, z_0 in ((pixels, pixels / 255 * 2 - 1), (latents(), latents())):
        assert float(loss(off_by(torch.zeros(5), z_0), batch(images))) == pytest.approx(0)
