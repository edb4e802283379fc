"""Hashes as vectors: the dot product is what imagehash and pdqhash count."""

import sys

import imagehash
import numpy as np
import pdqhash
import pytest
import torch
from embedders import images

from solidmark.data import to_picture
from solidmark.embed import Pdq, PerceptualHash
from solidmark.errors import MissingCapability


def test_the_similarity_of_phashes_is_imagehashs_own_distance() -> None:
    many = images(8)
    rows = PerceptualHash().embed(many)
    hashes = [imagehash.phash(to_picture(image)) for image in many]
    for i, one in enumerate(hashes):
        for j, two in enumerate(hashes):
            assert float(rows[i] @ rows[j]) == pytest.approx(1 - 2 * (one - two) / 64, abs=1e-6)


def test_the_similarity_of_pdqs_is_one_less_twice_the_share_of_different_bits() -> None:
    many = images(8)
    rows = Pdq().embed(many)
    pictures = [np.array(to_picture(image).convert("RGB")) for image in many]
    hashes = [pdqhash.compute(picture)[0] for picture in pictures]
    for i, one in enumerate(hashes):
        for j, two in enumerate(hashes):
            expected = 1 - 2 * np.count_nonzero(one != two) / 256
            assert float(rows[i] @ rows[j]) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("embedder", [PerceptualHash(), Pdq()])
def test_a_copy_of_another_size_is_near_and_strangers_are_at_zero(embedder: Pdq) -> None:
    many = images(8, seed=1)
    copy = torch.nn.functional.interpolate(many[2][None], scale_factor=2, mode="bicubic")[0]
    rows = embedder.embed([copy.clamp(0, 1), *many])
    similar = rows[1:] @ rows[0]
    assert similar.argmax() == 2
    assert similar[2] > 0.7
    assert similar[[0, 1, 3, 4, 5, 6, 7]].abs().max() < 0.5


@pytest.mark.parametrize("embedder", [PerceptualHash(), Pdq()])
def test_blank_pictures_resemble_nothing_not_even_each_other(embedder: Pdq) -> None:
    rows = embedder.embed([torch.zeros(1, 20, 20), torch.ones(3, 30, 20), *images(1)])
    assert (rows @ rows.T)[:2].abs().max() == 0


def test_without_its_package_pdq_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pdqhash", None)
    with pytest.raises(MissingCapability, match="pip install pdqhash"):
        Pdq()
