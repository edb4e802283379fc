"""False-discovery rates: against the textbook procedure, with rows that were not scored."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from solidmark.errors import BadInput
from solidmark.scores import least_nameable, q_values

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


def test_a_q_value_that_equals_the_rate_is_named_whatever_its_last_digit() -> None:
    """Ratios of whole numbers, which conformal p-values are, meet a rate exactly."""
    met = 0
    for m in range(9, 1000, 10):
        for n in (8, 20, 64, 100, 128, 250):
            for rate in (0.01, 0.05, 0.1):
                count = least_nameable(n, m, rate)
                if count > n or Fraction(n, (m + 1) * count) != Fraction(str(rate)):
                    continue
                p = np.ones(n)
                p[:count] = 1 / (m + 1)
                assert (q_values(p) <= rate).sum() == count
                met += 1
    assert met > 50


def test_small_q_values_keep_their_digits() -> None:
    assert q_values(np.array([1.23456789e-12, 1.0]))[0] == pytest.approx(2.46913578e-12, rel=1e-12)
