"""Rows in shards, as memory and as files."""

from pathlib import Path

import numpy as np
import pytest
import torch

from neighbours.naive import cut, saved
from solidmark.errors import BadInput
from solidmark.neighbours import Matrix, Search, rows_per_shard, search, tile_order
from solidmark.neighbours.matrix import SHARD_BYTES


@pytest.mark.parametrize("kind", [np.uint8, np.float32])
@pytest.mark.parametrize("size", [1, 3, 7, 100])
def test_blocks_are_all_rows_in_order(kind: type, size: int, tmp_path: Path) -> None:
    rows = np.random.default_rng(0).integers(0, 256, (23, 12)).astype(kind)
    for matrix in (Matrix(cut(rows, [4, 5, 17]), 3), saved(rows, tmp_path / "rows", 6, 3)):
        assert len(matrix) == 23
        for start in (0, 3, 4, 18, 22):
            blocks = list(matrix.blocks(size, start))
            firsts = [first for first, _ in blocks]
            lengths = [len(block) for _, block in blocks]
            assert max(lengths) <= size
            assert firsts == (start + np.cumsum([0, *lengths[:-1]])).tolist()
            read = torch.cat([block for _, block in blocks])
            centre = 128 if kind is np.uint8 else 0
            expected = torch.from_numpy(rows[start:].astype(np.float32)) - centre
            torch.testing.assert_close(read, expected.view(-1, 3, 4), rtol=0, atol=0)
        some = np.array([22, 0, 5, 5, 4])
        np.testing.assert_array_equal(matrix.stored(some), rows[some])


def test_a_shard_may_be_empty(tmp_path: Path) -> None:
    rows = np.random.default_rng(1).integers(0, 256, (9, 4)).astype(np.uint8)
    parts = [rows[:0], rows[:5], rows[5:5], rows[5:]]
    for number, part in enumerate(parts):
        np.save(tmp_path / f"{number}.npy", part)
    matrix = Matrix(tuple(sorted(tmp_path.glob("*.npy"))))
    assert len(matrix) == 9
    found = search(matrix, matrix, Search(1))
    assert found.index[:, 0].tolist() == list(range(9))


def test_what_is_no_matrix_is_said_in_a_line(tmp_path: Path) -> None:
    rows = np.zeros((3, 6), np.uint8)
    with pytest.raises(BadInput, match="one width and kind"):
        Matrix((rows, np.zeros((3, 5), np.uint8)))
    with pytest.raises(BadInput, match="one width and kind"):
        Matrix((rows, rows.astype(np.float32)))
    with pytest.raises(BadInput, match="bytes or float32 numbers, not float64"):
        Matrix((rows.astype(np.float64),))
    with pytest.raises(BadInput, match="do not fall into 4 equal parts"):
        Matrix((rows,), 4)
    torn = tmp_path / "torn.npy"
    torn.write_bytes(b"\x93NUMPY and nothing more")
    with pytest.raises(BadInput, match=r'torn.npy" is not a readable array'):
        Matrix((torn,))
    objects = tmp_path / "objects.npy"
    np.save(objects, np.array([[{"a": 1}]], dtype=object))
    with pytest.raises(BadInput, match="not a readable array"):
        Matrix((objects,))


def test_a_shard_is_of_its_size_and_never_empty() -> None:
    assert rows_per_shard(3072) == SHARD_BYTES // 3072
    assert rows_per_shard(512, 4) == SHARD_BYTES // 2048
    assert rows_per_shard(SHARD_BYTES + 1) == 1


@pytest.mark.parametrize("tiles", [1, 2, 3])
@pytest.mark.parametrize("channels", [1, 3])
def test_tiles_come_one_after_another(tiles: int, channels: int) -> None:
    pixels = torch.randint(256, (channels, 6, 12), generator=torch.Generator().manual_seed(2))
    (row,) = tile_order([pixels / 255], tiles)
    height, width = 6 // tiles, 12 // tiles
    expected = [
        pixels[c, y, x]
        for ty in range(tiles)
        for tx in range(tiles)
        for c in range(channels)
        for y in range(ty * height, (ty + 1) * height)
        for x in range(tx * width, (tx + 1) * width)
    ]
    assert row.dtype == np.uint8
    assert row.tolist() == [int(value) for value in expected]


def test_a_grid_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BadInput, match=r"6 x 9 pixels .* 4 x 4 equal tiles. Use --tiles 3\."):
        tile_order([torch.zeros(1, 9, 6)], 4)
    with pytest.raises(BadInput, match=r"Use --tiles 2 or 5"):
        tile_order([torch.zeros(1, 10, 10)], 4)
    with pytest.raises(BadInput, match=r"Use another --resolution"):
        tile_order([torch.zeros(1, 7, 11)], 4)
