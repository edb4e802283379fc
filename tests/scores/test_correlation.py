"""Pearson's r: against scipy, with shared keys, and where there is none."""

import numpy as np
import pytest
from scipy import stats

from solidmark.scores import Estimate, correlation


@pytest.mark.parametrize("shape", [(30, 1), (10, 16)])
def test_it_is_scipys(shape: tuple[int, int]) -> None:
    generator = np.random.default_rng(0)
    key = generator.integers(256, size=shape) / 255
    key_read = (key + 0.5 * generator.standard_normal(shape)).clip(0, 1)
    found = correlation(key, key_read)
    reference = stats.pearsonr(key.ravel(), key_read.ravel())
    one_sided = stats.pearsonr(key.ravel(), key_read.ravel(), alternative="greater")
    assert found.value == pytest.approx(reference.statistic)
    assert (found.ci_low, found.ci_high) == pytest.approx(tuple(reference.confidence_interval()))
    assert found.p_value == pytest.approx(one_sided.pvalue, rel=1e-9)


def test_perfect_and_backwards() -> None:
    key = np.random.default_rng(1).integers(256, size=(50, 1)) / 255
    perfect, backwards = correlation(key, key), correlation(key, 1 - key)
    assert perfect.value == pytest.approx(1)
    assert 0 < perfect.p_value < 1e-100
    assert backwards.value == pytest.approx(-1)
    assert backwards.p_value == pytest.approx(1)


def test_shared_keys_are_valid_where_rows_would_not_be() -> None:
    groups = np.repeat(np.arange(15), 6)
    names = [str(group) for group in groups]
    small = naive = 0
    for run in range(400):
        generator = np.random.default_rng(run)
        key, key_read = generator.integers(256, size=15) / 255, generator.random(15)
        small += correlation(key[groups, None], key_read[groups, None], names).p_value < 0.05
        naive += correlation(key[groups, None], key_read[groups, None]).p_value < 0.05
    limit = stats.binom.ppf(0.9999, 400, 0.05)
    assert 5 < small <= limit
    assert naive > 1.5 * limit


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
    found = correlation(key, key_read, groups)
    assert found == Estimate(note=found.note)
    assert word in str(found.note)
