"""The closed form against the exact null that results come from."""

import numpy as np
import pytest

from solidmark.scores import p_values
from solidmark.scores.saddlepoint import approximate_p_values


def readings(count: int, noise: float, rows: int = 25) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(count)
    key = generator.integers(256, size=(rows, count)) / 255
    folded = np.abs(key + noise * generator.standard_normal(key.shape)) % 2
    key_read = np.minimum(folded, 2 - folded)
    return np.abs(key - key_read).mean(axis=1), key_read


@pytest.mark.parametrize("count", [3, 4, 8, 16])
@pytest.mark.parametrize("noise", [0.03, 0.06, 0.13, 0.25, 0.6])
def test_it_is_within_a_few_per_cent(count: int, noise: float) -> None:
    distance, key_read = readings(count, noise)
    ratio = approximate_p_values(distance, key_read) / p_values(distance, key_read)
    assert ratio.min() > 0.88
    assert ratio.max() < 1.12
    assert np.median(ratio) == pytest.approx(1, abs=0.03)


def test_of_many_keys_too() -> None:
    distance, key_read = readings(64, 0.1, rows=3)
    ratio = approximate_p_values(distance, key_read) / p_values(distance, key_read)
    assert ratio == pytest.approx(1, abs=0.03)


@pytest.mark.parametrize("count", [1, 2])
def test_of_few_keys_it_is_the_exact_value(count: int) -> None:
    distance, key_read = readings(count, 0.1)
    exact = p_values(distance, key_read)
    assert np.array_equal(approximate_p_values(distance, key_read), exact)


@pytest.mark.parametrize("count", [3, 16, 256])
def test_it_rises_from_the_very_key_to_one(count: int) -> None:
    distance = np.linspace(0, 1, 401)
    generator = np.random.default_rng(3)
    p = approximate_p_values(distance, np.tile(generator.random(count), (401, 1)))
    assert np.isfinite(p).all()
    assert p[0] <= max(256.0**-count * 1e6, 1e-300)
    assert p[0] >= 256.0**-count
    assert p[0] > 0
    assert p[-1] == pytest.approx(1, abs=1e-4)
    assert (np.diff(p) >= -0.01).all()


def test_a_draw_of_keys_that_know_nothing_is_uniform() -> None:
    generator = np.random.default_rng(4)
    key_read = generator.random((4000, 8))
    distance = np.abs(generator.integers(256, size=(4000, 8)) / 255 - key_read).mean(axis=1)
    p = approximate_p_values(distance, key_read)
    for level in (0.01, 0.05, 0.5, 0.9):
        assert (p <= level).mean() == pytest.approx(level, abs=4 * (level / 4000) ** 0.5)
