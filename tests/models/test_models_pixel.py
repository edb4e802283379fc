"""A `UNet2DModel` of diffusers as a denoiser."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from rounding import answer

from solidmark.data import Sample
from solidmark.errors import BadInput, MissingCapability, UnknownName
from solidmark.models import Opening, PixelModel, open_model
from solidmark.models.conditions import CLASSES


def sample(number: int | None) -> Sample:
    return Sample("cat.png", torch.zeros(1, 12, 12), "", class_index=number)


def noise(count: int, channels: int = 1, side: int = 12) -> torch.Tensor:
    return torch.randn(count, channels, side, side, generator=torch.Generator().manual_seed(3))


def opened(folder: Path, **options: str) -> PixelModel:
    model = open_model(str(folder), Opening(**options))  # type: ignore[arg-type]
    assert isinstance(model, PixelModel)
    return model


@pytest.mark.rounding
def test_a_conditional_network_gets_the_class_of_each_image(
    save_unet: Callable[..., Path],
) -> None:
    model = opened(save_unet(num_class_embeds=3))
    assert model.classes == 3
    condition = model.condition([sample(2), sample(0)])
    assert condition is not None
    assert condition.tensors[CLASSES].tolist() == [2, 0]
    assert len(condition) == 2
    z = noise(1).expand(2, -1, -1, -1)
    said = model.denoise(z, 0.5, condition)
    assert not torch.allclose(said[0], said[1], atol=1e-4)
    alone = model.denoise(z[:1], 0.5, condition[1:])
    torch.testing.assert_close(alone[0], said[1], **answer(*model.schedule(0.5)))
    with pytest.raises(MissingCapability, match="trained with classes and never without"):
        model.unconditional(condition)


@pytest.mark.parametrize("number", [None, -1, 3])
def test_a_class_that_the_network_does_not_know_is_refused(
    number: int | None, save_unet: Callable[..., Path]
) -> None:
    model = opened(save_unet(num_class_embeds=3))
    with pytest.raises(BadInput, match=f'classes 0 to 2, but image "cat.png" has class {number}'):
        model.condition([sample(1), sample(number)])


def test_an_unconditional_network_needs_no_class(save_unet: Callable[..., Path]) -> None:
    model = opened(save_unet())
    assert model.classes == 0
    assert model.condition([sample(None), sample(7)]) is None
    assert model.unconditional(None) is None
    assert model.denoise(noise(2), 0.5, None).shape == (2, 1, 12, 12)


def test_a_learned_variance_is_left_aside(save_unet: Callable[..., Path]) -> None:
    """The second half of the channels is a variance: the first half alone is the prediction."""
    model = opened(save_unet(channels=3, out_channels=6))
    z, t = noise(2, 3), 0.5
    said = model.denoise(z, t, None)
    assert said.shape == z.shape
    output = model.unet(z, torch.tensor([500, 500])).sample
    alpha, sigma = model.schedule(t)
    torch.testing.assert_close(said, (z - sigma * output[:, :3]) / alpha)


@pytest.mark.parametrize(
    ("asked", "size"), [(12, (12, 12)), ([8, 16], (8, 16)), ((16, 8), (16, 8)), (None, None)]
)
def test_the_size_is_the_one_that_the_network_was_built_for(
    asked: object, size: tuple[int, int] | None, save_unet: Callable[..., Path]
) -> None:
    assert opened(save_unet(sample_size=asked)).sample_size == size


def test_half_precision_is_close_to_single(save_unet: Callable[..., Path]) -> None:
    folder = save_unet()
    z = noise(4)
    single, half = (
        opened(folder, precision=name).denoise(z, 0.3, None) for name in ("fp32", "bf16")
    )
    assert half.dtype == torch.float32
    assert not torch.equal(single, half)
    assert float((single - half).abs().mean()) < 0.02
    with pytest.raises(UnknownName, match="bf16, fp16, fp32"):
        opened(folder, precision="fp8")


def test_the_network_is_frozen_and_in_evaluation_mode(save_unet: Callable[..., Path]) -> None:
    model = opened(save_unet(dropout=0.5))
    assert not model.unet.training
    assert not any(weights.requires_grad for weights in model.unet.parameters())
    z = noise(2)
    first = model.denoise(z, 0.5, None)
    assert not first.requires_grad
    assert torch.equal(model.denoise(z, 0.5, None), first)


def test_images_are_between_nought_and_one_outside_and_minus_one_and_one_inside(
    save_unet: Callable[..., Path],
) -> None:
    model = opened(save_unet())
    images = torch.rand(2, 1, 12, 12, generator=torch.Generator().manual_seed(0))
    assert model.channels == 1
    assert torch.equal(model.encode(torch.tensor([0.0, 0.5, 1.0])), torch.tensor([-1.0, 0, 1]))
    torch.testing.assert_close(model.decode(model.encode(images)), images)
    # On the scale of [0, 1], but not clamped: readers clamp what they call a picture.
    assert model.decode(torch.tensor([-3.0, 3.0])).tolist() == [-1, 2]
