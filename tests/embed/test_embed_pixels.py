"""Normalised correlation against numpy's."""

import numpy as np
import pytest
import torch
from embedders import images
from PIL import Image as Picture

from solidmark.embed import Pixels
from solidmark.errors import BadInput


def test_the_similarity_of_grey_images_is_pearsons_correlation() -> None:
    generator = np.random.default_rng(0)
    pictures = generator.integers(0, 256, (5, 16, 16)).astype(np.uint8)
    rows = Pixels(16).embed([torch.from_numpy(p)[None] / 255 for p in pictures])
    expected = np.corrcoef(pictures.reshape(5, -1).astype(np.float64))
    assert np.allclose((rows @ rows.T).numpy(), expected, atol=1e-6)


def test_each_channel_loses_its_own_mean() -> None:
    image = next(image for image in images() if image.shape[0] == 3)
    picture = Picture.fromarray((image * 255).round().byte().permute(1, 2, 0).numpy())
    small = np.asarray(picture.resize((8, 8), Picture.Resampling.BICUBIC)).astype(np.float64)
    small -= small.mean(axis=(0, 1))
    expected = small.flatten() / np.linalg.norm(small)
    assert np.allclose(Pixels(8).embed([image])[0].numpy(), expected, atol=1e-6)


def test_brightness_and_contrast_do_not_count_and_a_negative_is_the_opposite() -> None:
    image = torch.randint(80, 160, (1, 32, 32), generator=torch.Generator().manual_seed(0)) / 255
    darker, flatter, negative = image - 40 / 255, (image * 255 // 2) / 255, 1 - image
    rows = Pixels().embed([image, darker, flatter, negative])
    assert rows[0] @ rows[1] == pytest.approx(1, abs=1e-6)
    assert rows[0] @ rows[2] > 0.999
    assert rows[0] @ rows[3] == pytest.approx(-1, abs=1e-6)


def test_an_enlarged_copy_is_nearer_than_strangers() -> None:
    many = images(8, seed=3)
    copy = torch.nn.functional.interpolate(many[1][None], scale_factor=3, mode="bilinear")[0]
    rows = Pixels().embed([copy, *many])
    similar = rows[1:] @ rows[0]
    assert similar.argmax() == 1
    assert similar[1] > 0.98


def test_a_side_of_no_pixels_is_an_error() -> None:
    with pytest.raises(BadInput, match='"0" pixels'):
        Pixels(0).embed(images(1))
