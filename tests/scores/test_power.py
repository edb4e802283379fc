"""The smallest share that a run sees: it is seen, and a smaller one is not."""

import numpy as np
import pytest
from scipy import stats

from solidmark.errors import BadInput
from solidmark.scores import (
    q_values,
    smallest_named_share,
    smallest_share_by_best,
    smallest_share_by_exchange,
)


@pytest.mark.parametrize(("n", "lead"), [(100, 3.0), (400, 1.0), (1000, 0.5)])
def test_the_permutation_test_sees_its_smallest_share(n: int, lead: float) -> None:
    """In four runs of five, of images whose own keys lie so much nearer."""
    share = smallest_share_by_exchange(np.array([lead - 0.1, lead + 0.1]), n)
    assert share is not None
    generator = np.random.default_rng(1)
    known = generator.random((2000, n)) < share
    closeness = np.where(known, lead, generator.standard_normal((2000, n)))
    seen = closeness.sum(axis=1) / np.sqrt(n) > stats.norm.isf(0.005)
    assert seen.mean() == pytest.approx(0.8, abs=0.05)


def test_the_permutation_test_sees_nothing_of_a_reader_at_chance() -> None:
    assert smallest_share_by_exchange(np.zeros(3), 1000) is None
    assert smallest_share_by_exchange(np.full(3, 0.001), 1000) is None
    assert smallest_share_by_exchange(np.full(1, 1.0), 1) is None
    with pytest.raises(BadInput):
        smallest_share_by_exchange(np.zeros(1), 0)


@pytest.mark.parametrize(("n", "spread"), [(50, 6.0), (500, 4.0), (500, 2.5)])
def test_the_best_p_values_see_their_smallest_share(n: int, spread: float) -> None:
    """At least four runs of five; one image less is not promised."""
    generator = np.random.default_rng(2)
    law = 10 ** -generator.uniform(0, 2 * spread, 5000)
    share = smallest_share_by_best(law, n, alpha=0.01)
    assert share is not None
    count, seen = round(share * n), 0
    for _ in range(500):
        p = np.append(generator.choice(law, count), generator.random(n - count))
        seen += q_values(p).min() <= 0.01
    assert seen / 500 >= 0.8 - 3 * np.sqrt(0.16 / 500)


def test_the_best_p_values_by_hand() -> None:
    assert smallest_share_by_best(np.full(3, 1e-9), 200) == 1 / 200
    assert smallest_share_by_best(np.full(3, 0.5), 200) is None
    # Half of the memorized at 1e-9: two give one of them in 3 of 4 runs, three in 7 of 8.
    assert smallest_share_by_best(np.array([1e-9, 1.0]), 200) == 3 / 200
    levels = [smallest_share_by_best(np.full(3, 1e-4), 200, alpha=a) for a in (0.05, 0.005, 5e-4)]
    assert levels == sorted(levels)
    with pytest.raises(BadInput):
        smallest_share_by_best(np.full(1, 1.5), 10)


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
