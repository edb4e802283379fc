"""How numbers are written: a bound stays a bound, and what is not all is not 100 %."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from solidmark.scores import clopper_pearson
from solidmark.scores.groups import writable
from solidmark.scores.written import (
    area,
    at_least,
    at_most,
    p_number,
    p_value,
    percent,
    percents,
)

shares = st.floats(0, 1) | st.integers(1, 400).flatmap(
    lambda n: st.builds(lambda k: k / n, st.integers(0, n))
)


def share(text: str) -> float:
    return float(text.removesuffix(" %")) / 100


@given(shares)
def test_bounds_are_rounded_to_their_own_side_and_not_far(value: float) -> None:
    low, high = share(at_least(value)), share(at_most(value))
    assert low <= value + 1e-9
    assert high >= value - 1e-9
    assert value - low <= max(0.1 * value, 1e-6) + 1e-9
    assert high - value <= 0.1 * value + 1e-9


@given(shares, shares)
def test_one_number_has_one_value_as_a_bound_and_in_an_interval(one: float, other: float) -> None:
    low, high = sorted((one, other))
    said = percents(low, high).removesuffix(" %").split(" to ")
    assert [f"{end} %" for end in said] == [at_least(low), at_most(high)]


@pytest.mark.parametrize("n", [12, 64, 500, 20_000])
def test_all_and_none_are_said_of_all_and_none_only(n: int) -> None:
    assert (percent(n / n), percent(0 / n)) == ("100 %", "0 %")
    for count in (1, n - 1):
        for said in (percent, at_most):
            assert said(count / n) not in ("0 %", "100 %")
        assert at_least(count / n) != "100 %"
    low, high = clopper_pearson(n - 1, n)
    assert low is not None
    assert high is not None
    assert not percents(low, high).endswith(" 100 %")


@given(st.floats(0, 1))
def test_no_p_value_is_zero(p: float) -> None:
    number = p_number(writable(p))
    assert number.removeprefix("< ").strip("0.")
    assert p_value(p) in (f"p = {number}", f"p {number}")


@given(st.floats(0, 1))
def test_an_area_is_whole_where_all_pairs_are_in_order(value: float) -> None:
    assert (area(value) in ("0", "1")) == (value in (0, 1))
    assert float(area(value)) == pytest.approx(value, abs=0.01)
