"""Conformal p-values and thresholds: by enumeration, by simulation, with ties and gaps."""

import doctest
import importlib
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from solidmark.errors import BadInput
from solidmark.scores import q_values
from solidmark.scores.conformal import (
    conformal_p_values,
    images_needed,
    least_nameable,
    rank_at,
    realised_fpr_interval,
    threshold_at,
)

tied = st.integers(0, 6).map(float)
rates = st.sampled_from([0.01, 0.05, 0.1, 0.2, 0.25, 1 / 3, 0.5, 0.9])
OF_DISTANCES = ("authenticity", "closeness", "conformal", "copying", "mifid", "percentiles")


@pytest.mark.parametrize("name", [*OF_DISTANCES, "thresholds"])
def test_the_examples_are_true(name: str) -> None:
    module = importlib.import_module(f"solidmark.scores.{name}")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        done = doctest.testmod(module, extraglobs={"np": np})
    assert done.attempted > 0 == done.failed


@given(st.lists(tied, min_size=1, max_size=12), st.lists(tied, min_size=1, max_size=20))
def test_p_values_are_counts(values: list[float], null: list[float]) -> None:
    expected = [(1 + sum(d <= value for d in null)) / (len(null) + 1) for value in values]
    found = conformal_p_values(np.array(values), np.array(null))
    np.testing.assert_array_equal(found, expected)


def test_rows_that_failed_have_no_p_value_and_are_not_among_the_null() -> None:
    found = conformal_p_values(np.array([np.nan, 0.2, np.inf]), np.array([0.1, np.nan, 0.3]))
    np.testing.assert_array_equal(found, [np.nan, 2 / 3, 1.0])
    with pytest.raises(BadInput, match="held-out"):
        conformal_p_values(np.array([0.1]), np.array([np.nan]))


@given(st.lists(tied, min_size=2, max_size=25), rates)
def test_each_of_exchangeable_values_in_turn_is_the_fresh_one(
    pool: list[float], rate: float
) -> None:
    """Exact validity, ties or not: an average over which of the m + 1 values is the fresh one."""
    values = np.array(pool)
    m = len(pool) - 1
    rest = [np.delete(values, i) for i in range(m + 1)]
    p = [conformal_p_values(values[i : i + 1], rest[i])[0] for i in range(m + 1)]
    thresholds = [threshold_at(null, rate) for null in rest]
    assert np.mean(np.array(p) <= rate) <= rate
    if rank_at(m, rate) == 0:
        assert (m + 1) * rate < 1
        assert thresholds == [None] * (m + 1)
        return
    passed = [values[i] <= t for i, t in enumerate(thresholds)]
    assert passed == [bool(one <= rate) for one in p]
    if len(set(pool)) == len(pool):
        assert np.mean(passed) == pytest.approx(rank_at(m, rate) / (m + 1))


@given(st.lists(tied, min_size=3, max_size=25), rates)
def test_no_larger_threshold_would_do(null: list[float], rate: float) -> None:
    t = threshold_at(np.array(null), rate)
    if t is not None:
        above = float(np.nextafter(t, np.inf))
        assert conformal_p_values(np.array([t]), np.array(null))[0] <= rate
        assert conformal_p_values(np.array([above]), np.array(null))[0] > rate


@pytest.mark.parametrize("levels", [None, 8])
def test_fresh_values_have_uniform_p_values(levels: int | None) -> None:
    generator = np.random.default_rng(0)
    runs, m = 20_000, 19
    values = generator.random((runs, m + 1))
    if levels:
        values = np.floor(values * levels)
    p = (1 + (values[:, 1:] <= values[:, :1]).sum(axis=1)) / (m + 1)
    for run in range(50):
        assert conformal_p_values(values[run, :1], values[run, 1:])[0] == p[run]
    for k in (1, 4, 10):
        share = (p <= k / (m + 1) + 1e-12).mean()
        noise = 4 * np.sqrt(k / (m + 1) / runs)
        assert share <= k / (m + 1) + noise
        if levels is None:
            assert share == pytest.approx(k / (m + 1), abs=noise)


def test_naming_keeps_its_rate_of_false_discoveries() -> None:
    """All p-values share one null; 20 of 100 rows are copies. BH promises 0.1 x 0.8."""
    generator = np.random.default_rng(1)
    false, found = [], []
    for _ in range(400):
        null, values = generator.random(200), generator.random(100)
        values[:20] = generator.random(20) / 300
        named = q_values(conformal_p_values(values, null)) <= 0.1
        false.append(named[20:].sum() / max(1, named.sum()))
        found.append(named[:20].mean())
    assert np.mean(false) <= 0.1 + 3 * np.std(false) / 20
    assert np.mean(false) > 0.02
    assert np.mean(found) > 0.5


def test_the_realised_rate_is_a_beta_law() -> None:
    m, rate = 199, 0.05
    rank = rank_at(m, rate)
    assert rank == 10
    null = np.random.default_rng(2).random((4000, m))
    realised = np.array([threshold_at(row, rate) for row in null])
    low, high = realised_fpr_interval(m, rank)
    covered = ((low <= realised) & (realised <= high)).sum()
    assert stats.binomtest(int(covered), 4000, 0.95).pvalue > 1e-4
    assert realised.mean() == pytest.approx(0.05, abs=4 * 0.0155 / np.sqrt(4000))
    assert low < 0.05 < high


@pytest.mark.parametrize(("fpr", "needed"), [(0.01, 99), (0.001, 999), (0.05, 19), (0.3, 3)])
def test_how_many_images_a_rate_needs(fpr: float, needed: int) -> None:
    assert images_needed(fpr) == needed
    null = np.arange(1.0, needed + 1)
    assert threshold_at(null, fpr) == np.nextafter(1.0, 0.0)
    assert threshold_at(null[1:], fpr) is None


@pytest.mark.parametrize(("n", "m", "fdr"), [(5000, 500, 0.05), (100, 99, 0.1), (7, 50, 0.05)])
def test_how_many_must_be_close_before_one_is_named(n: int, m: int, fdr: float) -> None:
    least = least_nameable(n, m, fdr)
    null = np.linspace(0.1, 1, m)
    for close, named in ((least - 1, 0), (least, least)):
        values = np.where(np.arange(n) < close, 0.0, 2.0)
        q = q_values(conformal_p_values(values, null))
        assert (q <= fdr).sum() == named


@pytest.mark.parametrize("fpr", [0.0, 1.0, -0.1, float("nan")])
def test_a_rate_is_between_nought_and_one(fpr: float) -> None:
    with pytest.raises(BadInput, match="between 0 and 1"):
        threshold_at(np.ones(5), fpr)
