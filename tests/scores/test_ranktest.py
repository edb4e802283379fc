"""The aggregate rank test: exact moments, controls, and grouped rows."""

import numpy as np
import pytest
from scipy import stats

from solidmark.errors import EmptyTable
from solidmark.scores import p_values, rank_test

RUNS = 1000


def read_and_score(
    generator: np.random.Generator, groups: np.ndarray, spread: float
) -> tuple[np.ndarray, np.ndarray]:
    """P-values and estimates of a model that knows nothing."""
    key = (generator.integers(256, size=(groups.max() + 1, 1)) / 255)[groups]
    centre = generator.random((groups.max() + 1, 1))[groups]
    key_read = (centre + spread * generator.standard_normal(centre.shape)).clip(0, 1)
    return p_values(np.abs(key - key_read)[:, 0], key_read), key_read


def test_moments_by_hand() -> None:
    key_read, key = np.array([0.1, 0.4, 0.75]), np.array([40, 40, 200]) / 255
    names = ["shared", "shared", "alone"]

    def p_of(level: float, k_hat: float) -> float:
        distance = abs(level - k_hat) + 1e-9
        return sum(abs(j / 255 - k_hat) <= distance for j in range(256)) / 256

    shared = [p_of(j / 255, 0.1) + p_of(j / 255, 0.4) for j in range(256)]
    alone = [p_of(j / 255, 0.75) for j in range(256)]
    seen = sum(p_of(k, k_hat) for k, k_hat in zip(key, key_read, strict=True))
    mean, variance = np.mean(shared) + np.mean(alone), np.var(shared) + np.var(alone)
    p = p_values(np.abs(key - key_read), key_read[:, None])
    assert rank_test(p, key_read[:, None], names).value == pytest.approx(
        (mean - seen) / np.sqrt(variance)
    )


def test_it_is_the_textbook_statistic_for_fine_p_values() -> None:
    generator = np.random.default_rng(0)
    p, key_read = generator.random(500), generator.random((500, 16))
    found = rank_test(p, key_read)
    assert found.value == pytest.approx((0.5 - p.mean()) * np.sqrt(12 * 500))
    assert found.p_value == pytest.approx(stats.norm.sf(found.value))
    assert found.ci_low < found.value < found.ci_high


@pytest.mark.parametrize("groups", [np.arange(40), np.repeat(np.arange(40), 5)])
def test_z_is_standard_normal_when_nothing_is_known(groups: np.ndarray) -> None:
    names = [str(group) for group in groups]
    found = [
        rank_test(*read_and_score(np.random.default_rng(run), groups, 0.02), names)
        for run in range(RUNS)
    ]
    z = np.array([estimate.value for estimate in found])
    assert stats.kstest(z, "norm").pvalue > 1e-3
    covered = sum(estimate.ci_low <= 0 <= estimate.ci_high for estimate in found)
    assert 0.92 * RUNS < covered < 0.98 * RUNS


def test_ignoring_the_groups_would_be_wrong() -> None:
    groups = np.repeat(np.arange(40), 5)
    runs = [read_and_score(np.random.default_rng(run), groups, 0.02) for run in range(200)]
    z = np.array([rank_test(p, key_read).value for p, key_read in runs])
    assert z.std() > 1.8  # sqrt(5) for rows that agree fully


def test_a_perfect_memory_and_a_model_that_reads_backwards() -> None:
    key = np.random.default_rng(2).integers(256, size=(100, 1)) / 255
    perfect = rank_test(p_values(np.zeros(100), key), key)
    assert perfect.value > 15
    assert perfect.p_value < 1e-50
    backwards = np.round(1 - key)
    assert rank_test(p_values(np.abs(key - backwards)[:, 0], backwards), backwards).value < -5


def test_grouped_vector_keys_are_conservative() -> None:
    p, key_read = np.full(12, 0.25), np.full((12, 4), 0.5)
    names = [str(i // 3) for i in range(12)]
    assert rank_test(p, key_read, names).value == pytest.approx(0.25 * np.sqrt(12 * 4))


def test_more_groups_than_are_taken_at_once() -> None:
    p, key_read = read_and_score(np.random.default_rng(5), np.arange(5000), 0.0)
    halves = [rank_test(p[half], key_read[half]).value for half in (slice(2500), slice(2500, None))]
    assert rank_test(p, key_read).value == pytest.approx(sum(halves) / np.sqrt(2), abs=0.02)


def test_one_group_has_no_interval_and_none_is_an_error() -> None:
    one = rank_test(np.array([0.5]), np.array([[0.5]]))
    assert (one.ci_low, one.ci_high) == (None, None)
    assert "2 key groups" in str(one.note)
    with pytest.raises(EmptyTable):
        rank_test(np.empty(0), np.empty((0, 1)))
