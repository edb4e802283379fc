"""The law of any sum over the keys: against whole numbers, against `null.py`, and its laws."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.errors import BadInput
from solidmark.scores import additive_p_values, p_values
from solidmark.scores.screen import CERTAIN

LEVELS = np.arange(256) / 255


def law_of_whole_costs(costs: np.ndarray) -> np.ndarray:
    """P(T <= t) for costs that are whole numbers: nothing is rounded, nothing is subtracted."""
    law = np.ones(1)
    for row in costs:
        law = np.convolve(law, np.bincount(row, minlength=row.max() + 1) / 256)
    return np.cumsum(law)


def keys_at(costs: np.ndarray, generator: np.random.Generator, count: int) -> np.ndarray:
    """Keys from the very best to the middling: random ones among the best 1, 2, 4 ... levels."""
    order = np.argsort(costs, axis=1)
    best = np.minimum(2.0 ** np.linspace(0, 7.6, count), 256)[:, None]
    places = (generator.random((count, len(costs))) * best).astype(int)
    return order[np.arange(len(costs)), places]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 8, 16, 32])
@pytest.mark.parametrize("shape", ["spread", "skewed", "few values"])
def test_the_far_tail_is_right_and_never_too_low(count: int, shape: str) -> None:
    generator = np.random.default_rng(count)
    drawn = generator.random((count, 256))
    top = {"spread": drawn, "skewed": drawn**4, "few values": np.round(drawn * 3) / 3}[shape]
    costs = np.rint(top * 1200).astype(np.int64)
    levels = keys_at(costs, generator, 12)
    reached = costs[np.arange(count), levels].sum(axis=1)
    exact = law_of_whole_costs(costs)[reached]
    found = additive_p_values(np.tile(costs.astype(float), (12, 1, 1)), levels)
    ratio = found / exact
    assert exact.min() < 256.0 ** -(count / 4)
    assert (ratio[exact < CERTAIN] >= 1 - 1e-9).all()
    assert (ratio >= 0.99).all()
    if count <= 4:
        np.testing.assert_allclose(found, exact, rtol=1e-12)
    # In the far tail of whole numbers a bin may hold the next one too, so the bulk is judged.
    assert (ratio[exact > 1e-12] <= 1.01).all()
    assert np.abs(found - exact).max() < 1e-3


@pytest.mark.parametrize("count", [1, 2, 4, 8, 16])
def test_the_distance_through_it_is_the_distance(count: int) -> None:
    generator = np.random.default_rng(count)
    key_read = generator.random((12, count))
    near = key_read + 0.3 * generator.random((12, 1)) * generator.standard_normal((12, count))
    levels = np.rint(near.clip(0, 1) * 255).astype(np.int64)
    distance = np.abs(levels / 255 - key_read).mean(axis=1)
    found = additive_p_values(np.abs(LEVELS - key_read[..., None]), levels)
    expected = p_values(distance, key_read)
    # Both are at or above the exact value; with four keys this one is exact.
    np.testing.assert_allclose(found, expected, rtol=1e-12 if count < 3 else 0.015)
    assert count != 4 or (found <= expected * (1 + 1e-12)).all()


def test_a_perfect_key_of_many_has_the_smallest_p_value_and_none_is_zero() -> None:
    costs = np.random.default_rng(0).random((1, 32, 256))
    best = costs.argmin(axis=2)
    assert additive_p_values(costs, best)[0] == pytest.approx(256.0**-32)
    wide = np.tile(costs, (1, 5, 1))
    assert additive_p_values(wide, np.tile(best, (1, 5)))[0] > 0
    worst = costs.argmax(axis=2)
    assert additive_p_values(costs, worst)[0] == 1.0


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(0, 2**32 - 1), st.floats(-50, 50), st.floats(0.01, 100))
def test_laws(count: int, seed: int, shift: float, scale: float) -> None:
    """Unit, origin and order of the keys change nothing; a better level never raises p."""
    generator = np.random.default_rng(seed)
    costs = generator.random((1, count, 256))
    levels = generator.integers(256, size=(1, count))
    p = additive_p_values(costs, levels)
    moved = shift + scale * costs
    np.testing.assert_allclose(additive_p_values(moved, levels), p, rtol=0.004)
    np.testing.assert_allclose(additive_p_values(costs[:, ::-1], levels[:, ::-1]), p, rtol=0.004)
    better = levels.copy()
    better[0, 0] = costs[0, 0].argmin()
    assert additive_p_values(costs, better)[0] <= p[0] * 1.004


def test_costs_that_say_nothing() -> None:
    assert additive_p_values(np.zeros((1, 6, 256)), np.zeros((1, 6), int))[0] == 1.0
    one_speaks = np.zeros((1, 6, 256))
    one_speaks[0, 2] = np.arange(256)
    levels = np.full((1, 6), 3)
    assert additive_p_values(one_speaks, levels)[0] == pytest.approx(4 / 256, rel=1e-3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_costs_that_are_no_numbers_are_refused(bad: float) -> None:
    costs = np.zeros((1, 2, 256))
    costs[0, 1, 7] = bad
    with pytest.raises(BadInput, match="finite"):
        additive_p_values(costs, np.zeros((1, 2), int))
