"""How alike two pictures look, against numbers made by hand."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch

from solidmark.embed import Function
from solidmark.errors import BadInput, UnknownName
from solidmark.subjects import EmbedderLikeness, PixelLikeness, open_likeness, unrelated
from solidmark.types import Image


def pictures(count: int, side: int = 8, channels: int = 3) -> list[Image]:
    noise = torch.Generator().manual_seed(count)
    return list(torch.rand(count, channels, side, side, generator=noise))


def means(images: Sequence[Image]) -> torch.Tensor:
    return torch.stack([image.mean((1, 2)) - 0.5 for image in images])


def tiled(one: Image, other: Image, tiles: int) -> float:
    """1 less the root mean square difference of the worst tile, by numpy."""
    far = []
    side = one.shape[-1] // tiles
    for y in range(tiles):
        for x in range(tiles):
            cut = np.s_[:, y * side : (y + 1) * side, x * side : (x + 1) * side]
            far.append(np.sqrt(np.mean((one.numpy()[cut] - other.numpy()[cut]) ** 2)))
    return float(1 - max(far))


@pytest.mark.parametrize(("name", "tiles"), [("l2", 1), ("patched-l2", 4)])
def test_pixels(name: str, tiles: int) -> None:
    likeness = open_likeness(name)
    ours, theirs = pictures(3), pictures(4)
    every = likeness.between(likeness.rows(ours), likeness.rows(theirs))
    wanted = [[tiled(one, other, tiles) for other in theirs] for one in ours]
    np.testing.assert_allclose(every.numpy(), wanted, atol=1e-6)
    np.testing.assert_allclose(
        likeness.pairs(ours, theirs[:3]).numpy(), np.diag(np.array(wanted)), atol=1e-6
    )
    assert likeness.pairs(ours, ours).tolist() == [1.0, 1.0, 1.0]
    assert likeness.between(likeness.rows(ours), likeness.rows(ours)).diag().tolist() == [1.0] * 3
    assert likeness.card()["direction"] == "high"


def test_one_lit_tile_is_one_tile() -> None:
    dark, lit = torch.zeros(1, 8, 8), torch.zeros(1, 8, 8)
    lit[:, 2:4, 4:6] = 1
    assert open_likeness("patched-l2").pairs([dark], [lit]).item() == 0
    assert open_likeness("l2").pairs([dark], [lit]).item() == pytest.approx(1 - (4 / 64) ** 0.5)


def test_an_embedder_gives_the_cosine() -> None:
    likeness = EmbedderLikeness(Function("means", means, 3, "1"))
    ours, theirs = pictures(3), pictures(4)
    mine, other = (np.stack([i.mean((1, 2)).numpy() - 0.5 for i in p]) for p in (ours, theirs))
    mine, other = (v / np.linalg.norm(v, axis=1, keepdims=True) for v in (mine, other))
    every = likeness.between(likeness.rows(ours), likeness.rows(theirs))
    np.testing.assert_allclose(every.numpy(), mine @ other.T, atol=1e-5)
    np.testing.assert_allclose(
        likeness.pairs(ours, theirs[:3]).numpy(), np.diag(mine @ other.T), atol=1e-5
    )


def test_an_embedder_by_its_word() -> None:
    likeness = open_likeness("phash")
    assert likeness.name == "phash"
    assert likeness.pairs(pictures(2, 16), pictures(2, 16)).tolist() == pytest.approx([1.0, 1.0])
    with pytest.raises(UnknownName, match='similarity "ssim"'):
        open_likeness("ssim")


def test_unrelated_pairs_are_all_pairs_of_different_pictures() -> None:
    ours = pictures(6)
    with_a_copy = [*ours, ours[0]]
    found = unrelated(PixelLikeness("l2"), with_a_copy, seed=0)
    wanted = [tiled(ours[i], ours[j], 1) for i in range(6) for j in range(i + 1, 6)]
    np.testing.assert_allclose(found, wanted, atol=1e-6)
    some = unrelated(PixelLikeness("l2"), with_a_copy, seed=0, pairs=5)
    assert len(some) == 5
    assert all(np.isclose(value, wanted, atol=1e-6).any() for value in some)
    assert list(some) == list(unrelated(PixelLikeness("l2"), with_a_copy, seed=0, pairs=5))
    assert list(some) != list(unrelated(PixelLikeness("l2"), with_a_copy, seed=1, pairs=5))


def test_what_cannot_be_compared() -> None:
    one = torch.zeros(1, 6, 6)
    with pytest.raises(BadInput, match="one size"):
        open_likeness("l2").pairs([one], [torch.zeros(1, 8, 8)])
    with pytest.raises(BadInput, match="do not divide a side of 6"):
        open_likeness("patched-l2").rows([one])
    with pytest.raises(BadInput, match="No two of the 2 pictures differ"):
        unrelated(PixelLikeness("l2"), [one, one], seed=0)
