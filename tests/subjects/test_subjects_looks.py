"""What a picture looks like in numbers: each change moves the number that is named after it."""

import io

import numpy as np
import pytest
import torch
from PIL import Image as Picture
from PIL import ImageFilter

from solidmark.data import open_data, to_picture, to_tensor
from solidmark.subjects.looks import COLOUR_SIDE, GREY_SIDE, TEXTURE, layout, texture

NAMES = list(TEXTURE)


def picture(side: int = 64, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(side)
    rough = torch.rand(channels, 8, 8, generator=generator)
    smooth = torch.nn.functional.interpolate(rough[None], size=side, mode="bicubic")[0]
    noise = 0.05 * torch.randn(channels, side, side, generator=generator)
    return to_tensor(to_picture((smooth + noise).clamp(0, 1)))


def number(image: torch.Tensor, name: str) -> float:
    return float(texture(image)[NAMES.index(name)])


def jpeg(image: torch.Tensor) -> torch.Tensor:
    file = io.BytesIO()
    to_picture(image).save(file, "JPEG", quality=20)
    return to_tensor(Picture.open(file))


def test_there_is_a_number_for_every_name() -> None:
    for image in (picture(), picture(channels=1), picture(9), open_data("digits")[0].image):
        found = texture(image)
        assert found.shape == (len(TEXTURE),)
        assert np.isfinite(found).all()
        assert layout(image).shape == (GREY_SIDE**2 + 3 * COLOUR_SIDE**2,)


@pytest.mark.parametrize("shape", [(1, 1, 1), (3, 2, 2), (1, 1, 40), (3, 8, 8)])
def test_tiny_pictures_have_numbers_too(shape: tuple[int, ...]) -> None:
    assert np.isfinite(texture(torch.full(shape, 0.5))).all()
    assert np.isfinite(layout(torch.full(shape, 0.5))).all()


def test_changes_move_what_is_named_after_them() -> None:
    image = picture()
    blurred = to_tensor(to_picture(image).filter(ImageFilter.GaussianBlur(1)))
    assert number(blurred, "detail") < number(image, "detail") - 1
    assert number(blurred, "bits") < number(image, "bits")
    assert number(jpeg(image), "blocks") > number(image, "blocks") + 0.3
    pale = 0.25 + 0.5 * image
    assert number(pale, "contrast") == pytest.approx(
        number(image, "contrast") - np.log(2), abs=0.02
    )
    assert number(image[:, :, :32], "aspect") == pytest.approx(np.log(0.5))
    grey = image.mean(0, keepdim=True)
    assert number(grey, "red_green") == number(grey, "blue_yellow") == 0.0
