"""Plain, modified and patched l2, by hand."""

import numpy as np
import pytest
import torch

from solidmark.errors import BadInput
from solidmark.neighbours import (
    PIXEL_DISTANCES,
    Matrix,
    Neighbours,
    PixelDistance,
    Search,
    l2,
    modified_l2,
    patched_l2,
    search,
    tile_order,
)


def found(squared: list[list[float]]) -> Neighbours:
    return Neighbours(np.arange(np.size(squared)).reshape(np.shape(squared)), np.array(squared))


def asked(queries: list[torch.Tensor], base: list[torch.Tensor], how: PixelDistance) -> np.ndarray:
    """The reported distances between images."""
    one, two = (Matrix((tile_order(images, how.tiles),), how.parts) for images in (queries, base))
    k = min(max(1, how.n), len(base))
    return how.report(search(one, two, Search(k)))[0]


def noise(count: int, *shape: int, seed: int = 0) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return [torch.randint(256, shape, generator=generator) / 255 for _ in range(count)]


def test_l2_is_the_root_of_the_mean_of_squares() -> None:
    """Over all pixels and channels, so that it stays in [0, 1]."""
    black, white = torch.zeros(3, 4, 4), torch.ones(3, 4, 4)
    assert asked([black], [white], l2()) == 1
    assert asked([white], [white], l2()) == 0
    half = white.clone()
    half[:, :2] = 0
    np.testing.assert_allclose(asked([half], [white], l2()), np.sqrt(0.5), rtol=1e-12)


def test_plain_l2_is_not_rescaled() -> None:
    distance, raw = l2().report(found([[0.04, 0.09], [0.25, 0.25]]))
    np.testing.assert_allclose(distance, [0.2, 0.5])
    assert raw is None


def test_modified_l2_by_hand() -> None:
    """Neighbours at 0.1, 0.3 and 0.5: their mean is 0.3, the nearest of them included."""
    neighbours = found([[0.01, 0.09, 0.25]])
    distance, raw = modified_l2(3).report(neighbours)
    np.testing.assert_allclose(distance, [0.1 / (0.5 * 0.3)])
    np.testing.assert_allclose(raw, [0.1])
    np.testing.assert_allclose(modified_l2(2).report(neighbours)[0], [0.1 / (0.5 * 0.2)])
    np.testing.assert_allclose(modified_l2(3, 0.25).report(neighbours)[0], [0.1 / (0.25 * 0.3)])
    np.testing.assert_allclose(modified_l2(1).report(neighbours)[0], [2])


def test_a_set_smaller_than_the_neighbourhood_is_all_of_it() -> None:
    neighbours = found([[0.01, 0.09, 0.25]])
    np.testing.assert_array_equal(
        modified_l2(50).report(neighbours)[0], modified_l2(3).report(neighbours)[0]
    )


def test_where_all_neighbours_are_the_image_itself_the_distance_is_0() -> None:
    distance, raw = modified_l2(3).report(found([[0.0, 0.0, 0.0], [0.0, 0.0, 0.04]]))
    assert distance.tolist() == [0, 0]
    assert raw is not None
    assert raw.tolist() == [0, 0]


@pytest.mark.parametrize("n", [1, 2, 50])
def test_the_rescaled_distance_is_at_most_1_over_alpha(n: int) -> None:
    squared = np.sort(np.random.default_rng(0).random((40, 50)), axis=1)
    distance, _ = modified_l2(n, 0.25).report(found(squared.tolist()))
    assert distance.max() <= 4 + 1e-12


@pytest.mark.parametrize("tiles", [2, 4])
@pytest.mark.parametrize("channels", [1, 3])
def test_patched_l2_is_the_largest_of_aligned_tiles(tiles: int, channels: int) -> None:
    queries, base = noise(5, channels, 8, 16), noise(30, channels, 8, 16, seed=1)
    base[3] = queries[2].clone()
    base[3][:, :2, :2] = 0
    height, width = 8 // tiles, 16 // tiles
    expected = np.empty((5, 30))
    for a, one in enumerate(queries):
        for b, two in enumerate(base):
            far = 0.0
            for y in range(tiles):
                for x in range(tiles):
                    here = np.s_[:, y * height : (y + 1) * height, x * width : (x + 1) * width]
                    square = (one.double()[here] - two.double()[here]) ** 2
                    far = max(far, float(square.mean()) ** 0.5)
            expected[a, b] = far
    plain = asked(queries, base, PixelDistance("patched", tiles))
    np.testing.assert_allclose(plain, expected.min(axis=1), rtol=1e-6)
    near = np.sort(expected, axis=1)[:, :7]
    rescaled = asked(queries, base, patched_l2(tiles, n=7))
    np.testing.assert_allclose(rescaled, near[:, 0] / (0.5 * near.mean(axis=1)), rtol=1e-6)


def test_one_lit_tile_touches_exactly_one_patch() -> None:
    """Sub-grids of every fourth pixel, which public code compares, would all see it."""
    black = torch.zeros(1, 16, 16)
    for y in range(4):
        for x in range(4):
            lit = black.clone()
            lit[:, 4 * y : 4 * y + 4, 4 * x : 4 * x + 4] = 1
            (row,) = tile_order([lit], 4).reshape(1, 16, 16)
            assert row.mean(axis=1).tolist() == [255 * (tile == 4 * y + x) for tile in range(16)]
            assert asked([lit], [black], PixelDistance("patched", 4)) == 1
            assert asked([lit], [black], l2()) == 0.25
            strided = torch.stack([lit[0, i::4, j::4] for i in range(4) for j in range(4)])
            assert (strided.flatten(1).mean(dim=1) > 0).all()


def test_the_same_difference_in_one_tile_or_in_all() -> None:
    """What patched l2 is for: l2 cannot tell these two, since they have the same energy."""
    black, everywhere, once = (torch.zeros(1, 8, 8) for _ in range(3))
    everywhere[:, ::2, ::2] = 1
    once[:, :4, :4] = 1
    for image, patched in ((everywhere, 0.5), (once, 1.0)):
        assert asked([image], [black], l2()) == 0.5
        assert asked([image], [black], PixelDistance("patched", 2)) == patched


def test_the_papers_values_are_the_defaults() -> None:
    made = {name: make() for name, make in PIXEL_DISTANCES.items()}
    assert made["l2"] == PixelDistance("l2", 1, 0)
    assert made["modified-l2"] == PixelDistance("modified-l2", 1, 50, 0.5)
    assert made["patched-l2"] == PixelDistance("patched-l2", 4, 50, 0.5)
    assert made["patched-l2"].parts == 16


@pytest.mark.parametrize("options", [(0, 0, 0.5), (1, -1, 0.5), (1, 0, 0.0), (1, 0, float("nan"))])
def test_impossible_distances_are_refused(options: tuple[int, int, float]) -> None:
    with pytest.raises(BadInput, match="1 or more tiles"):
        PixelDistance("l2", *options)
