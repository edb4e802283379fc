"""The numbers behind the figures, against enumeration, scipy and scikit-learn."""

import doctest
import itertools
from types import ModuleType

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from solidmark.page import scored
from solidmark.scores import curves, hit_chance, written


def test_within_counts_a_distance_equal_to_delta() -> None:
    assert curves.within([0.05, 0.15 - 0.1, 0.06], [0.05]).tolist() == [2 / 3]


def test_the_band_is_the_interval_of_scipy_and_repeats_do_not_narrow_it() -> None:
    span = stats.binomtest(45, 64).proportion_ci(method="exact")
    once = [str(i) for i in range(64)]
    for groups in (once, once * 3):
        low, high = curves.band([45 / 64, 1.0], groups)
        assert (low[0], high[0]) == pytest.approx((span.low, span.high), abs=1e-6)
        assert high[1] == 1.0


def test_the_curve_of_chance_meets_the_chance_of_the_table() -> None:
    read = np.random.default_rng(0).random((3, 8))
    for reads, delta in ((read[:, :1], 0.05), (read, 0.2)):
        assert curves.chance(reads, [delta])[0] == pytest.approx(
            float(hit_chance(reads, delta).mean()), rel=0.02
        )


def test_chance_of_one_key_counts_the_levels() -> None:
    reads = [[0.5], [0.0], [0.987]]
    expected = np.mean([np.mean(np.abs(np.arange(256) / 255 - r[0]) <= 0.05) for r in reads])
    assert curves.chance(reads, [0.05])[0] == pytest.approx(expected)


@pytest.mark.parametrize("read", [(0.5, 0.1), (0.123, 0.987)])
def test_chance_of_two_keys_is_the_enumeration(read: tuple[float, float]) -> None:
    gaps = [np.abs(np.arange(256) / 255 - value) for value in read]
    every = np.array([(a + b) / 2 for a, b in itertools.product(*gaps)])
    deltas = np.array([0.03, 0.1, 0.25])
    expected = [np.mean(every <= delta + 1e-9) for delta in deltas]
    assert curves.chance([read], deltas) == pytest.approx(expected, abs=2e-3)


@pytest.mark.parametrize("keys", [16, 64])
def test_chance_of_many_keys_is_that_of_drawn_keys(keys: int) -> None:
    rng = np.random.default_rng(0)
    read = rng.random(keys)
    drawn = np.abs(rng.integers(0, 256, (40_000, keys)) / 255 - read).mean(axis=1)
    deltas = np.quantile(drawn, [0.01, 0.2])
    assert curves.chance([read], deltas) == pytest.approx([0.01, 0.2], abs=0.01)


def test_the_area_under_the_roc_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(0)
    trained, held_out = rng.random(80) ** 2, rng.random(50)
    alarms, found = curves.roc(trained, held_out)
    truth = np.r_[np.ones(80), np.zeros(50)]
    expected = roc_auc_score(truth, -np.r_[trained, held_out])
    assert np.trapezoid(found, alarms) == pytest.approx(expected)


def test_thinned_keeps_both_ends() -> None:
    assert curves.thinned(5, 9).tolist() == [0, 1, 2, 3, 4]
    few = curves.thinned(10_001, 2_000)
    assert (len(few), few[0], few[-1]) == (2_000, 0, 10_000)


@pytest.mark.parametrize("module", [scored, written])
def test_the_examples_of_the_numbers_are_true(module: ModuleType) -> None:
    assert doctest.testmod(module).failed == 0
    assert doctest.testmod(module).attempted > 0
