"""False-discovery rates: against the textbook procedure, with rows that were not scored."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solidmark.errors import BadInput
from solidmark.scores import q_values

chances = st.lists(st.floats(0, 1), min_size=1, max_size=30)


def step_up(p: list[float], rate: float, penalty: float = 1.0) -> set[int]:
    """The rows that Benjamini and Hochberg reject, as they wrote it down."""
    order = sorted(range(len(p)), key=p.__getitem__)
    limit = [p[i] * penalty <= rate * rank / len(p) for rank, i in enumerate(order, 1)]
    last = max((rank for rank, holds in enumerate(limit, 1) if holds), default=0)
    return set(order[:last])


@given(chances, st.floats(0.001, 0.9))
def test_naming_is_the_step_up_procedure(p: list[float], rate: float) -> None:
    q = q_values(np.array(p))
    # Away from ties of q and rate, where rounding decides.
    if np.abs(q - rate).min() > 1e-9:
        assert set(np.flatnonzero(q <= rate)) == step_up(p, rate)


@given(chances, st.floats(0.001, 0.9))
def test_any_dependence_costs_the_harmonic_sum(p: list[float], rate: float) -> None:
    q = q_values(np.array(p), "by")
    if np.abs(q - rate).min() > 1e-9:
        penalty = sum(1 / i for i in range(1, len(p) + 1))
        assert set(np.flatnonzero(q <= rate)) == step_up(p, rate, penalty)


@given(chances, st.lists(st.integers(0, 30), max_size=5))
def test_rows_without_a_p_value_do_not_count(p: list[float], holes: list[int]) -> None:
    places = [min(hole, len(p)) for hole in sorted(holes, reverse=True)]
    with_holes = np.array(p)
    for place in places:
        with_holes = np.insert(with_holes, place, np.nan)
    q = q_values(with_holes)
    np.testing.assert_array_equal(np.isnan(q), np.isnan(with_holes))
    np.testing.assert_array_equal(q[~np.isnan(q)], q_values(np.array(p)))


def test_nothing_scored_and_nothing_changed() -> None:
    p = np.array([np.nan, np.nan])
    assert np.isnan(q_values(p)).all()
    assert q_values(np.empty(0)).shape == (0,)
    given_p = np.array([0.04, 0.01])
    q_values(given_p)
    np.testing.assert_array_equal(given_p, [0.04, 0.01])


def test_a_p_value_above_one_is_refused() -> None:
    with pytest.raises(BadInput, match=r"1\.5"):
        q_values(np.array([0.1, 1.5]))
