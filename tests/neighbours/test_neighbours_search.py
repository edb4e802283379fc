"""The search finds what the formula says, whatever it is cut into."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from neighbours.naive import cut, least_memory, naive, saved
from solidmark.errors import BadInput
from solidmark.neighbours import Matrix, Search, search
from solidmark.neighbours.search import SPARE

module = sys.modules["solidmark.neighbours.search"]
TINY = 2**-10
"""Multiples of it add up exactly, so that ties are ties in any order of addition."""


def same(rows: NDArray, count: int, generator: np.random.Generator) -> NDArray:
    """Some rows again and again."""
    return rows[generator.integers(len(rows), size=count)]


def rows_of(style: str, kind: str, count: int, width: int, generator: np.random.Generator):
    """Rows that are easy or hard to tell apart."""
    shape = count, width
    if kind == "bytes":
        noise = generator.integers(0, 256, shape)
        made = {
            "random": noise,
            "two values": (noise % 2) * 255,
            "ties": same(noise[:3], count, generator),
            "blank": np.full(shape, 255) - (noise == 0),
            "near": 200 + noise % 2,
        }[style]
        return made.astype(np.uint8)
    noise = generator.normal(size=shape)
    rough = np.round(noise / TINY) * TINY
    made = {
        "random": noise,
        "two values": np.sign(noise),
        "ties": same(rough[:3], count, generator),
        "blank": np.zeros(shape),
        "near": 1000 + np.round(noise) * TINY,
    }[style]
    return made.astype(np.float32)


STYLES = ("random", "two values", "ties", "blank", "near")


@settings(deadline=None, max_examples=100)
@given(st.data())
def test_it_is_the_naive_answer(data: st.DataObject) -> None:
    draw = data.draw
    kind = draw(st.sampled_from(["bytes", "float32"]), "kind")
    parts = draw(st.sampled_from([1, 2, 4, 9]), "parts")
    width = parts * draw(st.integers(1, 70), "width of a part")
    count = draw(st.integers(1, 150), "rows")
    asked = draw(st.integers(1, 40), "queries")
    is_own = draw(st.booleans(), "own") and count > 1
    k = draw(st.one_of(st.integers(1, count - is_own), st.just(count - is_own)), "k")
    generator = np.random.default_rng(draw(st.integers(0, 2**32), "seed"))
    base = rows_of(draw(st.sampled_from(STYLES), "style"), kind, count, width, generator)
    queries = rows_of(draw(st.sampled_from(STYLES), "style"), kind, asked, width, generator)
    own = None
    if is_own:
        own = generator.integers(-1, count, size=asked)
        queries = np.where(own[:, None] < 0, queries, base[own])
    places = draw(st.lists(st.integers(1, max(1, count - 1)), max_size=6), "cuts")
    least = least_memory(width, parts, min(k + SPARE, count))
    more = draw(st.sampled_from([0, 0, 10_000, 100_000, 2**30]), "memory")
    found = search(
        Matrix(cut(queries, places[:2] if asked > max(places, default=0) else []), parts),
        Matrix(cut(base, places), parts),
        Search(k, least + more),
        own=own,
    )
    index, squared = naive(queries, base, k, parts, own)
    np.testing.assert_array_equal(found.index, index)
    if kind == "bytes":
        np.testing.assert_array_equal(found.squared, squared)
    np.testing.assert_allclose(found.squared, squared, rtol=1e-12, atol=0)
    np.testing.assert_allclose(found.distance, np.sqrt(squared), rtol=1e-12, atol=0)


@pytest.mark.parametrize("kind", ["bytes", "float32"])
def test_more_rows_than_a_tile_holds(kind: str) -> None:
    """Copies and near copies among thousands, in the cheapest and in the dearest order."""
    generator = np.random.default_rng(0)
    base = rows_of("random", kind, 3000, 12, generator)
    base[2000:2100] = base[5]
    queries = rows_of("random", kind, 1100, 12, generator)
    queries[:50] = base[5]
    for rows in (base, base[::-1].copy()):
        far = ((rows.astype(float) - queries[1099].astype(float)) ** 2).sum(axis=1)
        for order in (np.arange(3000), np.argsort(-far)):
            some = rows[order]
            index, squared = naive(queries[::10], some, 3)
            found = search(Matrix((queries,)), Matrix((some,)), Search(3))
            np.testing.assert_array_equal(found.index[::10], index)
            np.testing.assert_allclose(found.squared[::10], squared, rtol=1e-12)


@pytest.mark.parametrize("value", [0, 128, 255])
def test_of_a_hundred_copies_the_first_are_nearest(value: int) -> None:
    generator = np.random.default_rng(value)
    base = generator.integers(0, 256, (400, 48)).astype(np.uint8)
    copies = generator.choice(400, 100, replace=False)
    base[copies] = value
    found = search(
        Matrix((np.full((1, 48), value, np.uint8),)), Matrix(cut(base, [7, 100])), Search(60)
    )
    assert found.index[0].tolist() == sorted(copies.tolist())[:60]
    assert not found.squared.any()


def test_a_training_set_of_one_image_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is settled by candidates here: all of it is the last resort, once for all copies."""
    asked: list[object] = []
    last_resort = module.search_directly

    def counted(*arguments: object) -> object:
        asked.append(arguments)
        return last_resort(*arguments)

    monkeypatch.setattr(module, "search_directly", counted)
    base = Matrix((np.full((500, 16), 7, np.uint8),))
    found = search(base, base, Search(2), own=np.arange(500))
    assert found.index[:3].tolist() == [[1, 2], [0, 2], [0, 1]]
    assert (found.index[3:] == [0, 1]).all()
    assert len(asked) == 1


@pytest.mark.parametrize("parts", [1, 4])
def test_chunks_and_shards_and_memory_change_no_bit(parts: int, tmp_path: Path) -> None:
    generator = np.random.default_rng(1)
    base = generator.normal(size=(300, 64)).astype(np.float32)
    base[150:] = base[:150] + generator.normal(size=(150, 64)).astype(np.float32) * 1e-6
    queries = base[::3] + np.float32(1e-7)
    plain = search(Matrix((queries,), parts), Matrix((base,), parts), Search(5))
    least = least_memory(64, parts, 5 + SPARE)
    for size, memory in [(1, 2**30), (7, least), (64, least + 20_000), (1000, least)]:
        one = saved(queries, tmp_path / f"q{size}", size, parts)
        two = saved(base, tmp_path / f"b{size}", size + 1, parts)
        found = search(one, two, Search(5, memory))
        assert found.index.tobytes() == plain.index.tobytes()
        assert found.squared.tobytes() == plain.squared.tobytes()


def test_only_the_rows_that_are_asked_about() -> None:
    generator = np.random.default_rng(2)
    base = generator.integers(0, 256, (60, 10)).astype(np.uint8)
    rows = np.array([50, 3, 3, 17])
    found = search(Matrix((base,)), Matrix((base,)), Search(2), rows=rows, own=rows)
    index, squared = naive(base[rows], base, 2, own=rows)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_array_equal(found.squared, squared)


def test_nobody_is_asked_about() -> None:
    base = Matrix((np.zeros((4, 2), np.uint8),))
    found = search(base, base, Search(3), rows=np.empty(0, np.int64))
    assert found.index.shape == found.squared.shape == found.distance.shape == (0, 3)


@pytest.mark.parametrize("own", [None, np.full(30, -1)])
def test_progress_comes_to_all_pairs(own: NDArray | None) -> None:
    generator = np.random.default_rng(3)
    queries = generator.integers(0, 2, (30, 5)).astype(np.uint8)
    base = generator.integers(0, 2, (70, 5)).astype(np.uint8)
    told: list[int] = []
    least = least_memory(5, 1, 1 + SPARE)
    search(Matrix((queries,)), Matrix((base,)), Search(1, least), own=own, advance=told.append)
    assert sum(told) == 30 * 70
    assert len(told) > 3


@pytest.mark.parametrize("precision", ["highest", "high", "medium"])
def test_products_are_of_full_precision_whatever_is_set(
    precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With TF32 the bound would be wrong, and the answer a likely one."""
    asked: list[str] = []
    product = module.squared_distances

    def watched(*arguments: object) -> object:
        asked.append(torch.backends.cuda.matmul.fp32_precision)
        return product(*arguments)

    monkeypatch.setattr(module, "squared_distances", watched)
    rows = Matrix((np.random.default_rng(4).normal(size=(20, 8)).astype(np.float32),))
    before = torch.get_float32_matmul_precision()
    try:
        torch.set_float32_matmul_precision(precision)
        search(rows, rows, Search(2))
        assert torch.get_float32_matmul_precision() == precision
    finally:
        torch.set_float32_matmul_precision(before)
    assert asked == ["ieee"]


def test_what_cannot_be_searched_is_said_in_a_line() -> None:
    rows = Matrix((np.zeros((4, 6), np.uint8),))
    with pytest.raises(BadInput, match="5 neighbours were asked for, and there are 4 images"):
        search(rows, rows, Search(5))
    with pytest.raises(BadInput, match="4 neighbours were asked for, and there are 3 images"):
        search(rows, rows, Search(4), own=np.arange(4))
    with pytest.raises(BadInput, match="1 or more neighbours, not 0"):
        Search(0)
    for other in (
        Matrix((np.zeros((4, 6), np.float32),)),
        Matrix((np.zeros((4, 8), np.uint8),)),
        Matrix((np.zeros((4, 6), np.uint8),), 2),
    ):
        with pytest.raises(BadInput, match="cannot be compared"):
            search(rows, other)
