"""Eidetic counts: chance, interval and p-value, with and without shared keys."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from solidmark.errors import EmptyTable
from solidmark.scores import DELTAS, any_key, chance_constant, chance_uniform, eidetic
from solidmark.scores.eidetic import EideticCount

RUNS = 1000


def draw_keys(generator: np.random.Generator, groups: np.ndarray, count: int = 1) -> np.ndarray:
    return (generator.integers(256, size=(groups.max() + 1, count)) / 255)[groups]


def p_under_the_null(groups: np.ndarray, spread: float, delta: float) -> np.ndarray:
    """P-values of runs that know nothing; the rows of a group are read within `spread`."""
    names = [str(group) for group in groups]
    p = []
    for run in range(RUNS):
        generator = np.random.default_rng(run)
        centre = generator.random((groups.max() + 1, 1))[groups]
        key_read = (centre + spread * generator.standard_normal(centre.shape)).clip(0, 1)
        distance = np.abs(draw_keys(generator, groups) - key_read).mean(axis=1)
        found = eidetic(distance, key_read, names, [delta])[0]
        naive = stats.binom.sf(found.count - 1, found.n, found.chance)
        p.append((found.p_value, naive))
    return np.array(p).T


def test_the_count_test_is_valid_when_nothing_is_known() -> None:
    p, _ = p_under_the_null(np.arange(80), 0.0, 0.05)
    assert 0.015 * RUNS < (p < 0.05).sum() <= stats.binom.ppf(0.9999, RUNS, 0.05)
    assert 0.15 * RUNS < (p < 0.3).sum() <= stats.binom.ppf(0.9999, RUNS, 0.3)


def test_shared_keys_break_the_binomial_test_and_not_this_one() -> None:
    p, naive = p_under_the_null(np.repeat(np.arange(20), 4), 0.01, 0.05)
    limit = stats.binom.ppf(0.9999, RUNS, 0.05)
    assert 0.015 * RUNS < (p < 0.05).sum() <= limit
    assert (naive < 0.05).sum() > 1.5 * limit


def test_vector_keys_shared_by_repeats_are_valid_too() -> None:
    groups = np.repeat(np.arange(12), 3)
    names = [str(group) for group in groups]
    small = 0
    for run in range(60):
        generator = np.random.default_rng(run)
        key_read = generator.random((12, 2))[groups]
        distance = np.abs(draw_keys(generator, groups, 2) - key_read).mean(axis=1)
        small += eidetic(distance, key_read, names, [0.2])[0].p_value < 0.05
    assert small <= stats.binom.ppf(0.9999, 60, 0.05)


def test_a_perfect_memory_is_all_hits() -> None:
    key = draw_keys(np.random.default_rng(0), np.arange(64))
    for count in eidetic(np.zeros(64), key):
        assert (count.count, count.share, count.ci_high) == (64, 1.0, 1.0)
        assert count.ci_low > 0.94
        assert count.p_value < 1e-40


def test_a_p_value_far_out_keeps_its_digits() -> None:
    # A constant estimate on a level: each row hits 27 of 256 levels, a binomial law exactly.
    key_read = np.full((64, 1), 128 / 255)
    distance = np.where(np.arange(64) < 45, 0.0, 0.4)
    found = eidetic(distance, key_read, deltas=[0.0530])[0]
    assert found.chance == 27 / 256
    assert found.p_value == pytest.approx(stats.binom.sf(44, 64, 27 / 256), rel=1e-10)
    assert found.p_value < 1e-25
    interval = stats.binomtest(45, 64).proportion_ci(method="exact")
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(interval))


def test_chance_comes_from_the_estimates() -> None:
    generator = np.random.default_rng(1)
    none = np.ones(20_000)
    uniform = eidetic(none, generator.random((20_000, 1)))
    constant = eidetic(none, np.full((20_000, 1), 0.5))
    for delta, u, c in zip(DELTAS, uniform, constant, strict=True):
        # Closed forms are for continuous keys; 256 levels move them by one level at most.
        assert u.chance == pytest.approx(u.chance_uniform, abs=1 / 256)
        assert c.chance == pytest.approx(c.chance_constant, abs=1 / 256)
        assert (u.delta, u.chance_constant) == (delta, 2 * delta)


@given(st.floats(0, 1))
def test_closed_forms_are_integrals(delta: float) -> None:
    k_hat = (np.arange(4000) + 0.5) / 4000
    hit = np.minimum(1, k_hat + delta) - np.maximum(0, k_hat - delta)
    assert chance_uniform(delta) == pytest.approx(hit.mean(), abs=1e-3)
    width = min(1, 0.5 + delta) - max(0, 0.5 - delta)
    assert chance_constant(delta) == pytest.approx(width, abs=1e-12)


def test_closed_forms_stay_chances() -> None:
    assert chance_uniform(3.0) == chance_constant(0.7) == 1.0


def test_vector_keys_have_no_closed_form() -> None:
    found = eidetic(np.zeros(3), np.full((3, 4), 0.2), deltas=[0.05])[0]
    assert found.chance_uniform is found.chance_constant is None
    one = np.bincount(np.abs(np.arange(256) - 51)) / 256
    two = np.convolve(one, one)
    assert found.chance == pytest.approx(np.convolve(two, two)[: 4 * 12 + 3 + 1].sum())


def test_shared_keys_widen_the_interval() -> None:
    distance, key_read = np.repeat([0.0, 0.3], 40), np.full((80, 1), 0.5)
    alone = eidetic(distance, key_read, deltas=[0.1])[0]
    shared = eidetic(distance, key_read, [str(i // 4) for i in range(80)], [0.1])[0]
    expected = stats.binomtest(10, 20).proportion_ci(method="exact")
    assert (shared.ci_low, shared.ci_high) == pytest.approx(tuple(expected))
    assert shared.ci_high - shared.ci_low > alone.ci_high - alone.ci_low
    assert shared.p_value > alone.p_value


def test_nothing_to_count() -> None:
    with pytest.raises(EmptyTable):
        eidetic(np.empty(0), np.empty((0, 1)))


def grouped_any_key(copies: int, generator: np.random.Generator) -> EideticCount:
    """50 images with `copies` keys each, two repeats of each key, of a model that knows nothing."""
    groups = np.repeat(np.arange(50), copies * 2)
    keys = np.repeat(np.arange(50 * copies), 2)
    key_read = generator.random((len(keys), 1))
    distance = np.abs(draw_keys(generator, keys) - key_read).mean(axis=1)
    names = [str(key) for key in keys], [str(group) for group in groups]
    return any_key(distance, key_read, *names, [0.05])[0]


def test_any_key_rises_by_chance_and_its_null_knows() -> None:
    one, six = (
        [grouped_any_key(copies, np.random.default_rng(run)) for run in range(100)]
        for copies in (1, 6)
    )
    assert np.mean([found.share for found in six]) > 2 * np.mean([found.share for found in one])
    for found in (one, six):
        assert {count.n for count in found} == {50}
        shares = np.array([count.share - count.chance for count in found])
        assert abs(shares.mean()) < 4 * shares.std() / np.sqrt(100)
        assert sum(c.p_value < 0.05 for c in found) <= stats.binom.ppf(0.9999, 100, 0.05)


def test_any_key_by_hand() -> None:
    # One image, two keys; the first is read twice, off the levels, far from one another.
    key_read = np.array([[0.2], [0.8], [0.5]]) + 0.001
    found = any_key(np.array([0.5, 0.5, 0.01]), key_read, ["a", "a", "b"], ["g"] * 3, [0.05])[0]
    within = [sum(abs(j / 255 - k) <= 0.05 for j in range(256)) / 256 for k in key_read[:, 0]]
    assert (found.n, found.count) == (1, 1)
    assert found.chance == pytest.approx(1 - (1 - within[0] - within[1]) * (1 - within[2]))
    assert found.p_value == pytest.approx(found.chance)


def test_any_key_keeps_chances_far_below_rounding() -> None:
    found = any_key(np.zeros(2), np.full((2, 16), 0.5), ["a", "b"], ["g", "g"], [0.02])[0]
    assert 1e-25 < found.p_value < 1e-13
    assert found.p_value == pytest.approx(found.chance)
