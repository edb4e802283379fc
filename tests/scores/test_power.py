"""The smallest share that a run sees: it is seen, and a smaller one is not."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from solidmark.errors import BadInput
from solidmark.scores import smallest_share


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
