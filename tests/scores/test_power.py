"""The smallest share that a run sees: it is seen, and a smaller one is not."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from solidmark.errors import BadInput
from solidmark.scores import (
    q_values,
    rank_test,
    smallest_named_share,
    smallest_share,
    smallest_share_by_rank,
)


def power_by_hand(n: int, chance: float, hit_rate: float, share: float) -> float:
    law = stats.binom.pmf(np.arange(n + 1), n, chance)
    critical = next(c for c in range(n + 2) if law[c:].sum() <= 0.05)
    rate = share * hit_rate + (1 - share) * chance
    return float(stats.binom.pmf(np.arange(critical, n + 1), n, rate).sum())


@settings(deadline=None)
@given(st.integers(1, 300), st.floats(0.001, 0.5), st.floats(0.5, 1))
def test_at_the_share_the_power_is_reached(n: int, chance: float, hit_rate: float) -> None:
    share = smallest_share(n, chance, hit_rate)
    if share is None:
        assert power_by_hand(n, chance, hit_rate, 1.0) < 0.8 + 1e-9
    else:
        assert power_by_hand(n, chance, hit_rate, share) == pytest.approx(0.8, abs=1e-4)


def test_by_simulation() -> None:
    share = smallest_share(200, 0.0975, 0.9)
    assert share is not None
    generator = np.random.default_rng(0)
    memorized = generator.random((4000, 200)) < share
    hits = (generator.random((4000, 200)) < np.where(memorized, 0.9, 0.0975)).sum(axis=1)
    seen = stats.binom.sf(hits - 1, 200, 0.0975) <= 0.05
    assert seen.mean() == pytest.approx(0.8, abs=0.025)


def test_more_images_see_less_and_a_weak_reader_sees_nothing() -> None:
    shares = [smallest_share(n, 0.0975) for n in (20, 200, 2000, 20_000)]
    assert all(a is not None and b is not None and a > b for a, b in pairwise(shares))
    assert smallest_share(1000, 0.1, 0.1) is None
    assert smallest_share(1000, 0.1, 0.05) is None
    assert smallest_share(2, 0.4) is None  # two hits of two: p = 0.16


def test_a_chance_of_zero_needs_one_hit() -> None:
    assert smallest_share(100, 0.0) == pytest.approx(1 - 0.2 ** (1 / 100), abs=1e-6)


@pytest.mark.parametrize(("n", "chance"), [(0, 0.1), (10, 1.5), (10, float("nan"))])
def test_bad_numbers(n: int, chance: float) -> None:
    with pytest.raises(BadInput):
        smallest_share(n, chance)


@pytest.mark.parametrize(("n", "mean_p"), [(100, 0.0), (400, 0.1), (1000, 0.3)])
def test_the_rank_test_sees_its_smallest_share(n: int, mean_p: float) -> None:
    law = np.linspace(0, 2 * mean_p, 1001)  # uniform below twice the mean
    share = smallest_share_by_rank(law, n)
    assert share is not None
    generator, seen = np.random.default_rng(1), 0
    for _ in range(1000):
        p = generator.random(n)
        memorized = generator.random(n) < share
        p[memorized] *= 2 * mean_p
        seen += rank_test(p, np.full((n, 4), 0.5)).p_value <= 0.05
    assert seen / 1000 == pytest.approx(0.8, abs=0.05)


def test_the_rank_test_sees_nothing_of_a_reader_at_chance() -> None:
    assert smallest_share_by_rank(np.full(3, 0.5), 1000) is None
    assert smallest_share_by_rank(np.full(3, 0.499), 1000) is None
    assert smallest_share_by_rank(np.full(1, 0.1), 1) is None
    with pytest.raises(BadInput):
        smallest_share_by_rank(np.zeros(1), 0)
    with pytest.raises(BadInput):
        smallest_share_by_rank(np.full(1, 1.5), 10)


@pytest.mark.parametrize("correction", ["bh", "by"])
def test_half_are_named_at_the_share_and_fewer_below_it(correction: str) -> None:
    generator, n = np.random.default_rng(2), 4000

    def memorized(count: int) -> np.ndarray:
        return 10 ** generator.uniform(-6, -1, count)

    share = smallest_named_share(memorized(100_000), n, 0.05, correction)  # type: ignore[arg-type]
    assert share is not None
    named = {}
    for factor in (0.4, 1.3):
        count, runs = round(factor * share * n), []
        for _ in range(30):
            p = np.append(memorized(count), generator.random(n - count))
            runs.append((q_values(p, correction) <= 0.05)[:count].mean())  # type: ignore[arg-type]
        named[factor] = np.mean(runs)
    assert named[0.4] < 0.45 < 0.5 < named[1.3]


def test_names_by_hand() -> None:
    assert smallest_named_share(np.full(5, 1e-30), 200) == 1 / 200  # no share is below one image
    assert smallest_named_share(np.full(5, 0.2), 200) is None
    assert smallest_named_share(np.ones(5), 200) is None
    # Half of them at 1e-3 is enough: s >= 1e-3 * 19 / (1/2 - 1e-3).
    half = np.array([1e-3, 1e-3, 0.9, 0.9])
    assert smallest_named_share(half, 10_000) == pytest.approx(0.019 / 0.499)
    by, bh = (smallest_named_share(half, 100, correction=name) for name in ("by", "bh"))
    assert by is not None
    assert bh is not None
    assert by > 4 * bh
    with pytest.raises(BadInput):
        smallest_named_share(half, 0)
