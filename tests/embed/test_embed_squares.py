"""What networks are given, against torch's and Pillow's own arithmetic."""

import numpy as np
import pytest
import torch
from embedders import images
from torch.nn.functional import interpolate

from solidmark.embed.squares import IMAGENET_MEAN, IMAGENET_STD, Squares, imagenet
from solidmark.errors import BadInput


@pytest.mark.parametrize("filter", ["bilinear", "bicubic"])
@pytest.mark.parametrize("side", [9, 80])
def test_squares_are_antialiased_as_torch_does_it(filter: str, side: int) -> None:
    for image in images():
        made = Squares(side, filter=filter).tensor([image])  # type: ignore[arg-type]
        colour = image.expand(3, -1, -1)[None]
        expected = interpolate(colour, (side, side), mode=filter, antialias=True).clamp(0, 1)
        assert made.shape == (1, 3, side, side)
        assert (made - expected).abs().max() < 2.5 / 255  # Pillow rounds to bytes, twice.


def test_channels_are_normalised_by_imagenet() -> None:
    image = images(3)[1]
    plain, normal = Squares(16).tensor([image]), imagenet(16).tensor([image])
    for channel in range(3):
        expected = (plain[:, channel] - IMAGENET_MEAN[channel]) / IMAGENET_STD[channel]
        assert torch.allclose(normal[:, channel], expected, atol=1e-6)


def test_bytes_are_the_pixels_and_an_image_that_fits_is_left_as_it_is() -> None:
    image = images(4)[3][:1].expand(3, 32, 32)
    made = Squares(32).bytes([image])
    assert made.dtype == np.uint8
    assert np.array_equal(made[0], (image * 255).round().byte().permute(1, 2, 0).numpy())
    assert torch.allclose(Squares(32).tensor([image])[0], image)


def test_colours_become_one_grey() -> None:
    colour = torch.tensor([1.0, 0.0, 0.0]).reshape(3, 1, 1).expand(3, 8, 8)
    made = Squares(8, "L").tensor([colour])
    assert made.shape == (1, 1, 8, 8)
    assert torch.allclose(made, torch.tensor(0.299), atol=1 / 255)


def test_squares_of_no_pixels_are_an_error() -> None:
    with pytest.raises(BadInput, match="Use 1 or more"):
        Squares(0)
