"""The null law: against enumeration, against exact grids, and under itself."""

import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from solidmark.errors import BadInput
from solidmark.randomness import LEVELS
from solidmark.scores import exposure_bits, null, p_values

ALL_LEVELS = np.arange(256) / 255
CLOSE = 1 / (12 * 255)  # the grid has 12 points a level or more: it counts in nothing beyond
# Fine, yet no two distances differ by as little as what counts as a tie.
unit = st.integers(0, 100_003).map(lambda i: i / 100_003)


def exact_on_grid(level: np.ndarray, twelfths: np.ndarray) -> np.ndarray:
    """P(sum <= j / 12 levels) for estimates at a + t / 12 levels: nothing has to be rounded."""
    law = np.ones(1)
    for a, t in zip(level, twelfths, strict=True):
        law = np.convolve(law, np.bincount(np.abs(12 * np.arange(256) - 12 * a - t)) / 256)
    return np.cumsum(law)


def test_levels_are_those_of_the_keys() -> None:
    assert null.LEVELS == LEVELS


def test_scoring_starts_without_torch() -> None:
    code = "import sys, solidmark.scores; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(unit, st.integers(0, 255))
def test_one_key_is_counted(k_hat: float, level: int) -> None:
    distance = abs(level / 255 - k_hat)
    count = sum(abs(j / 255 - k_hat) <= distance + 1e-9 for j in range(256))
    assert p_values(np.array([distance]), np.array([[k_hat]]))[0] == count / 256


@pytest.mark.parametrize("level", [0, 1, 51, 128, 254, 255])
def test_ties_count_in(level: int) -> None:
    # 51 / 255 and its neighbours are not equally far in floating point, but they are on paper.
    expected = [sum(abs(i - level) <= abs(j - level) for i in range(256)) / 256 for j in range(256)]
    p = p_values(np.abs(ALL_LEVELS - level / 255), np.full((256, 1), level / 255))
    np.testing.assert_array_equal(p, expected)


@given(st.integers(1, 255), st.integers(0, 255))
def test_exposure_is_that_of_the_secret_sharer(level_read: int, level: int) -> None:
    k_hat = (level_read - 0.3) / 255  # off the levels, so that no two ranks are shared
    ranked = np.argsort(np.abs(ALL_LEVELS - k_hat))
    rank = int(np.flatnonzero(ranked == level)[0]) + 1
    p = p_values(np.array([abs(level / 255 - k_hat)]), np.array([[k_hat]]))
    assert exposure_bits(p)[0] == pytest.approx(np.log2(256) - np.log2(rank))


def test_exposure_of_certainty_is_plus_zero() -> None:
    assert str(exposure_bits(np.array([1.0]))[0]) == "0.0"


@settings(max_examples=25, deadline=None)
@given(unit, unit, st.integers(0, 255), st.integers(0, 255))
def test_two_keys_are_enumerated(a: float, b: float, i: int, j: int) -> None:
    distances = (np.abs(ALL_LEVELS - a)[:, None] + np.abs(ALL_LEVELS - b)) / 2
    exact = (distances <= distances[i, j] + 1e-9).mean()
    assert p_values(distances[i, j, None], np.array([[a, b]]))[0] == exact
    convolved = null._convolved(distances[i, j], np.array([a, b]), 2e-3)
    beyond = (distances <= distances[i, j] + CLOSE).mean()
    assert exact * (1 - 1e-12) <= convolved <= beyond * (1 + 1e-12)


@pytest.mark.parametrize("count", [3, 8, 16])
def test_the_far_tail_is_right_and_never_too_low(count: int) -> None:
    generator = np.random.default_rng(count)
    level, twelfths = generator.integers(1, 255, count), generator.integers(-5, 7, count)
    exact = exact_on_grid(level, twelfths)
    k_hat = (level + twelfths / 12) / 255
    smallest = np.flatnonzero(exact > 0)[0]
    reached = np.array(
        [smallest, *(int(12 * 255 * count * d) for d in (0.02, 0.05, 0.1, 0.25, 0.4))]
    )
    found = p_values(reached / (12 * 255 * count), np.tile(k_hat, (len(reached), 1)))
    ratio = found / exact[reached]
    assert exact[reached[1]] < (1e-15 if count == 16 else 1e-3)
    assert (ratio >= 1 - 1e-11).all()
    assert (ratio[1:] <= 1.003).all()
    assert ratio[0] < 1.5  # one draw of all: here a neighbouring sum may be counted in


def test_a_perfect_estimate_of_many_keys_has_the_smallest_p_value() -> None:
    k_hat = np.array([[0, 17, 128, 255] * 8]) / 255
    assert p_values(np.zeros(1), k_hat)[0] == pytest.approx(256.0**-32)
    assert p_values(np.ones(1), k_hat)[0] == 1.0


def test_sixteen_keys_against_simulation() -> None:
    generator = np.random.default_rng(4)
    k_hat = generator.random(16)
    drawn = np.abs(generator.integers(256, size=(20_000, 16)) / 255 - k_hat).mean(axis=1)
    distance = np.array([0.2, 0.25, 0.3, 0.35, 0.4])
    found = p_values(distance, np.tile(k_hat, (5, 1)))
    seen = (drawn[:, None] <= distance).sum(axis=0)
    low, high = stats.binom.ppf([1e-5], 20_000, found), stats.binom.ppf([1 - 1e-5], 20_000, found)
    assert ((low <= seen) & (seen <= high)).all()


@settings(max_examples=30, deadline=None)
@given(st.lists(unit, min_size=1, max_size=6), unit, unit)
def test_laws(k_hat: list[float], one: float, other: float) -> None:
    """More distance is more p; the order of the keys and a mirrored grey scale change nothing."""
    row = np.array([k_hat])
    p = p_values(np.array([one]), row)
    # Each distance has its own grid, so the order is sure up to one step of the coarsest.
    more = p_values(np.array([min(max(one, other) + CLOSE, 1.0)]), row)[0]
    assert 0 <= p[0] <= more * (1 + 1e-9) <= 1 + 1e-8
    np.testing.assert_allclose(p_values(np.array([one]), row[:, ::-1]), p, rtol=1e-9)
    further = p_values(np.array([min(one + CLOSE, 1.0)]), row)
    assert p_values(np.array([one]), 1 - row)[0] <= further[0] * (1 + 1e-9)


@pytest.mark.parametrize("reading", ["uniform", "constant", "corners"])
@pytest.mark.parametrize(("count", "draws"), [(1, 20_000), (4, 5_000)])
def test_p_values_are_uniform_when_nothing_is_known(reading: str, count: int, draws: int) -> None:
    generator = np.random.default_rng(7)
    k_hat = {
        "uniform": generator.random((draws, count)),
        "constant": np.full((draws, count), 0.437),
        "corners": generator.integers(2, size=(draws, count)).astype(float),
    }[reading]
    distance = np.abs(generator.integers(256, size=(draws, count)) / 255 - k_hat).mean(axis=1)
    p = p_values(distance, k_hat)
    if count == 1:  # spread within the step of each level, or its 256 levels are what KS sees
        inside = p_values((distance - 2e-9).clip(0), k_hat)
        p = inside + generator.random(draws) * (p - inside)
    assert stats.kstest(p, "uniform").pvalue > 1e-3


def test_the_tail_at_one_in_a_thousand() -> None:
    generator = np.random.default_rng(8)
    k_hat = generator.random((8_000, 2))
    distance = np.abs(generator.integers(256, size=(8_000, 2)) / 255 - k_hat).mean(axis=1)
    found = int((p_values(distance, k_hat) <= 1e-3).sum())
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], 8_000, 1e-3)
    assert low <= found <= high


@pytest.mark.parametrize("bad", [np.nan, -0.01, 1.01, np.inf])
def test_numbers_outside_the_unit_range_are_refused(bad: float) -> None:
    with pytest.raises(BadInput, match="key_read"):
        p_values(np.array([0.1]), np.array([[0.5, bad]]))
    with pytest.raises(BadInput, match="distance"):
        p_values(np.array([bad]), np.array([[0.5]]))
