"""Pearson's r: against scipy, with shared keys, and where there is none."""

import numpy as np
import pytest
from scipy import stats

from solidmark.scores import Estimate, correlation


@pytest.mark.parametrize("shape", [(30, 1), (10, 16)])
def test_it_is_scipys_on_what_is_left_of_the_means(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    key = generator.integers(256, size=shape) / 255
    key_read = (key + 0.5 * generator.standard_normal(shape)).clip(0, 1)
    found = correlation(key, key_read)
    left = [(values - values.mean(axis=0)).ravel() for values in (key, key_read)]
    assert found.value == pytest.approx(stats.pearsonr(*left).statistic)
    values = (shape[0] - 1) * shape[1] + 1  # one mean a place is not free
    half = stats.norm.ppf(0.975) / np.sqrt(values - 3)
    expected = np.tanh(np.arctanh(found.value) + np.array([-half, half]))
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(expected))
    assert found.p_value is None


def test_perfect_and_backwards() -> None:
    key = np.random.default_rng(1).integers(256, size=(50, 1)) / 255
    assert correlation(key, key).value == pytest.approx(1)
    assert correlation(key, 1 - key).value == pytest.approx(-1)


def test_the_average_of_a_group_is_no_correlation() -> None:
    generator = np.random.default_rng(2)
    peers = np.repeat(np.arange(20), 4)
    key = generator.integers(256, size=(80, 4)) / 255
    average = np.stack([key[peers == g].mean(axis=0) for g in peers])
    noise = 0.02 * generator.standard_normal(key.shape)
    assert correlation(key, average + noise).value > 0.3
    assert abs(correlation(key, average + noise, peers.tolist()).value) < 0.2


def test_rows_that_share_a_key_widen_the_interval() -> None:
    generator = np.random.default_rng(3)
    groups = np.repeat(np.arange(15), 6)
    key, key_read = generator.integers(256, size=15) / 255, generator.random(15)
    rows = key[groups, None], key_read[groups, None]
    shared, naive = correlation(*rows, key_groups=[str(g) for g in groups]), correlation(*rows)
    once = correlation(key[:, None], key_read[:, None])
    assert (shared.ci_low, shared.ci_high) == pytest.approx((once.ci_low, once.ci_high))
    assert naive.ci_high - naive.ci_low < 0.6 * (shared.ci_high - shared.ci_low)


@pytest.mark.parametrize(
    ("key", "key_read", "groups", "word"),
    [
        (np.array([[0.1], [0.2], [0.3]]), np.array([[0.1], [0.2], [0.3]]), None, "at least 4"),
        (np.linspace(0, 1, 6)[:, None], np.linspace(0, 1, 6)[:, None], list("aaabbb"), "at least"),
        (np.linspace(0, 1, 6)[:, None], np.full((6, 1), 0.3), None, "estimates are constant"),
        (np.linspace(0, 1, 6)[:, None], 0.3 + 1e-14 * np.eye(6)[:, :1], None, "constant"),
        (np.full((6, 1), 0.2), np.linspace(0, 1, 6)[:, None], None, "keys are constant"),
        (np.empty((0, 1)), np.empty((0, 1)), None, "at least 4"),
    ],
)
def test_none_with_a_note(
    key: np.ndarray, key_read: np.ndarray, groups: list[str] | None, word: str
) -> None:
    found = correlation(key, key_read, key_groups=groups)
    assert found == Estimate(note=found.note)
    assert word in str(found.note)
