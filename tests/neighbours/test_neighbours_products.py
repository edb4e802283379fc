"""What float32 errs by is bounded, and where it errs the search does not."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from neighbours.naive import naive
from solidmark.neighbours import Matrix, Search, search
from solidmark.neighbours.products import as_base, as_queries, largest_error, squared_distances


def errors(
    queries: torch.Tensor, base: torch.Tensor, whole: bool
) -> tuple[torch.Tensor, torch.Tensor]:
    """What products are away from the distances of float64, and what the bound allows."""
    left, right = as_queries(queries), as_base(base)
    found = squared_distances(left, right, torch.empty(3, len(queries), len(base)))
    difference = queries.double()[:, None] - base.double()[None]
    true = difference.square().sum(dim=3).amax(dim=2)
    bound = largest_error(left, float(right[:, :, -1].max()) ** 0.5, whole)
    return (found.double() - true).abs(), bound


@settings(deadline=None, max_examples=150)
@given(
    parts=st.integers(1, 4),
    width=st.one_of(st.integers(1, 700), st.integers(2040, 5000)),
    offset=st.sampled_from([0.0, 1.0, 1e3, -1e6, 1e-12]),
    spread=st.sampled_from([1.0, 1e-3, 1e-7, 1e6, 0.0]),
    opposite=st.booleans(),
    seed=st.integers(0, 2**32),
)
def test_the_bound_holds(
    parts: int, width: int, offset: float, spread: float, opposite: bool, seed: int
) -> None:
    generator = torch.Generator().manual_seed(seed)
    queries = offset + spread * torch.randn(7, parts, width, generator=generator)
    base = offset + spread * torch.randn(40, parts, width, generator=generator)
    base[:7] = -queries if opposite else queries
    base[7:14] = queries * (1 + 1e-6)
    base[14:21] = 0
    error, bound = errors(queries, base, whole=False)
    assert (error <= bound[:, None]).all()


@settings(deadline=None, max_examples=100)
@given(
    width=st.integers(1, 5000),
    low=st.integers(-128, 127),
    span=st.integers(0, 255),
    seed=st.integers(0, 2**32),
)
def test_the_bound_holds_for_whole_numbers(width: int, low: int, span: int, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)

    def rows(count: int) -> torch.Tensor:
        high = min(low + span, 127)
        return torch.randint(low, high + 1, (count, 1, width), generator=generator).float()

    error, bound = errors(rows(5), rows(30), whole=True)
    assert (error <= bound[:, None]).all()


def test_small_whole_numbers_are_exact_and_the_last_bit_is_not_trusted() -> None:
    """2^24 is what the norms of 2^24 + 1 round to, so a bound that meets it is no proof."""
    edge = torch.full((1, 1, 1025), 128.0)
    edge[0, 0, 1024] = 1.0
    nothing = torch.zeros(1, 1, 1025)
    error, bound = errors(edge, nothing, whole=True)
    assert error == 1
    assert bound >= 1
    error, bound = errors(edge[:, :, :1023], nothing[:, :, :1023], whole=True)
    assert error == bound == 0


def test_the_bound_is_of_use() -> None:
    """Not so large that everything would be searched again."""
    generator = torch.Generator().manual_seed(0)
    rows = torch.randn(50, 1, 512, generator=generator)
    rows /= rows.norm(dim=2, keepdim=True)
    _, bound = errors(rows[:25], rows[25:], whole=False)
    assert bound.max() < 2e-4


def test_wide_rows_are_settled_by_products(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bright pictures; a bound for sums in one go would send each of them to the last resort."""

    def last_resort(*arguments: object) -> None:
        raise AssertionError(arguments)

    monkeypatch.setattr(sys.modules["solidmark.neighbours.search"], "search_directly", last_resort)
    generator = np.random.default_rng(2)
    base = generator.integers(128, 256, (200, 3 * 128**2)).astype(np.uint8)
    queries = generator.integers(128, 256, (4, 3 * 128**2)).astype(np.uint8)
    found = search(Matrix((queries,)), Matrix((base,)), Search(3))
    index, squared = naive(queries, base, 3)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_array_equal(found.squared, squared)


@pytest.mark.parametrize("parts", [1, 4])
def test_where_products_rank_wrongly_the_search_does_not(parts: int) -> None:
    """Near duplicates far from the origin: float32 cannot tell them apart there."""
    generator = np.random.default_rng(0)
    centre = generator.normal(size=64) * 1000
    steps = np.float32(2**-8) * generator.integers(-9, 10, (200, 64))
    base = (centre.astype(np.float32) + steps).astype(np.float32)
    queries = (base[::10] + np.float32(2**-8)).astype(np.float32)
    index, squared = naive(queries, base, 5, parts)

    def split(rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(rows).view(len(rows), parts, -1)

    left, right = as_queries(split(queries)), as_base(split(base))
    products = squared_distances(left, right, torch.empty(3, len(queries), len(base)))
    plain = products.topk(5, largest=False).indices.numpy()
    assert (plain != index).any(axis=1).mean() > 0.9
    found = search(Matrix((queries,), parts), Matrix((base,), parts), Search(5))
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_allclose(found.squared, squared, rtol=1e-12)


@pytest.mark.parametrize("memory", [2**25, 2**30])
def test_bytes_too_large_for_exact_products(memory: int) -> None:
    """White images that differ in a few pixels, of so many pixels that float32 rounds."""
    generator = np.random.default_rng(1)
    base = np.full((300, 12_000), 255, np.uint8)
    for number, row in enumerate(base):
        row[generator.integers(12_000, size=1 + number % 40)] -= 1
    queries = base[::20].copy()
    queries[:, 5] = 254
    found = search(Matrix((queries,)), Matrix((base,)), Search(4, memory))
    index, squared = naive(queries, base, 4)
    np.testing.assert_array_equal(found.index, index)
    np.testing.assert_array_equal(found.squared, squared)
