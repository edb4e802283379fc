"""The tensor of an image: exact levels, the central square, a hash that anyone can repeat."""

import hashlib

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from solidmark.data import Preparation, content_hash, to_picture, to_tensor
from solidmark.errors import BadInput, UnknownName


def noise(height: int, width: int, *channels: int) -> Image.Image:
    values = np.random.default_rng(height).integers(0, 256, (height, width, *channels))
    return Image.fromarray(values.astype(np.uint8))


def test_values_are_exactly_k_over_255() -> None:
    levels = Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16))
    image, _ = Preparation(mode="L")(levels)
    assert image.dtype == torch.float32
    assert torch.equal(image.flatten(), torch.arange(256, dtype=torch.float32) / 255)


@given(st.integers(1, 20), st.integers(1, 20), st.sampled_from([(), (3,)]))
def test_tensor_and_picture_are_inverse(height: int, width: int, channels: tuple[int, ...]) -> None:
    picture = noise(height, width, *channels)
    image = to_tensor(picture)
    assert image.shape == (3 if channels else 1, height, width)
    assert to_picture(image).tobytes() == picture.tobytes()
    assert content_hash(image) == content_hash(picture)


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 24), st.sampled_from(["RGB", "L"]))
def test_every_size_becomes_the_square(width: int, height: int, side: int, mode: str) -> None:
    image, _ = Preparation(side, mode)(noise(height, width, 3))  # type: ignore[arg-type]
    assert image.shape == (len(mode) if mode == "RGB" else 1, side, side)
    assert 0 <= image.min() <= image.max() <= 1


def test_a_fitting_square_is_only_cut() -> None:
    picture = noise(8, 13, 3)
    image, _ = Preparation(8)(picture)
    assert torch.equal(image, to_tensor(picture.crop((2, 0, 10, 8))))


def test_without_a_resolution_nothing_is_cut() -> None:
    assert Preparation()(noise(8, 13, 3))[0].shape == (3, 8, 13)


def test_making_smaller_does_not_alias() -> None:
    checks = np.indices((256, 256)).sum(axis=0) % 2 * 255
    image, _ = Preparation(16, "L")(Image.fromarray(checks.astype(np.uint8)))
    assert (image - 0.5).abs().max() < 0.02


def test_a_strip_costs_no_memory() -> None:
    image, _ = Preparation(64, "L")(Image.new("L", (60_000, 1), 77))
    assert torch.equal(image, torch.full((1, 64, 64), 77 / 255))


def test_the_hash_is_as_documented() -> None:
    picture = noise(4, 6, 3)
    by_hand = hashlib.blake2b(b"RGB 6x4\n" + picture.tobytes(), digest_size=16).hexdigest()
    assert Preparation()(picture)[1] == by_hand


def test_the_hash_knows_mode_and_size() -> None:
    flat = Image.new("L", (6, 4))
    others = [Image.new("L", (4, 6)), Image.new("RGB", (6, 4)), Image.new("L", (6, 4), 1)]
    assert len({content_hash(p) for p in [flat, *others]}) == 4


def test_options_without_a_meaning_are_refused() -> None:
    with pytest.raises(BadInput, match='"0" pixels'):
        Preparation(0)
    with pytest.raises(UnknownName, match="RGB"):
        Preparation(8, "CMYK")  # type: ignore[arg-type]
