"""Percentiles: against resampling by hand, how often they cover, and what they cannot see."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from solidmark.scores.percentiles import percentile_blindness, percentile_of


@pytest.mark.parametrize("percentile", [5, 25, 50, 90, 95])
@pytest.mark.parametrize("n", [100, 137])
def test_the_draws_are_those_of_resampling(percentile: float, n: int) -> None:
    rows = np.sort(np.random.default_rng(n).exponential(size=n))
    found = percentile_of(rows, percentile, np.random.default_rng(0), draws=100_000)
    drawn = np.random.default_rng(1).integers(n, size=(20_000, n))
    by_hand = np.quantile(rows[drawn], 1 - percentile / 100, axis=1)
    assert found.value == np.quantile(rows, 1 - percentile / 100)
    # Where the law has little mass, an end lies anywhere between two rows: compare the ranks.
    for end, level in ((found.ci_low, 0.025), (found.ci_high, 0.975)):
        assert (by_hand < end).mean() <= level + 0.004
        assert (by_hand <= end).mean() >= level - 0.004


def test_intervals_cover() -> None:
    generator = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        found = percentile_of(np.sort(generator.random(300)), 95, generator, draws=500)
        covered += found.ci_low <= 0.05 <= found.ci_high
    assert covered >= stats.binom.ppf(0.001, 400, 0.93)


def test_few_rows_have_no_end_beyond_the_outermost() -> None:
    rows = np.linspace(0, 1, 50)  # 0.95^50 = 8 %: the true percentile may lie below all rows
    found = percentile_of(rows, 95, np.random.default_rng(0))
    assert found.ci_low is None
    assert found.ci_high is not None
    assert "50 rows are too few" in str(found.note)
    mirrored = percentile_of(rows, 5, np.random.default_rng(0))
    assert (mirrored.ci_high, mirrored.ci_low is None) == (None, False)
    many = percentile_of(np.linspace(0, 1, 72), 95, np.random.default_rng(0))
    assert None not in (many.ci_low, many.ci_high)
    assert many.note is None
    alone = percentile_of(np.array([0.3]), 50, np.random.default_rng(0))
    assert (alone.value, alone.ci_low, alone.ci_high) == (0.3, None, None)


def similarities(memorized: float, halved: float, crowd: float) -> np.ndarray:
    """1,000 generations, of which 40 copy; 20 of these may be changed, and 960 never copied."""
    copies = np.full(40, memorized)
    copies[:20] = halved
    return np.concatenate([copies, np.linspace(0.0, crowd, 960)])


def test_half_of_the_copies_may_go_and_the_percentile_stays() -> None:
    """SolidMark, figure 3."""
    before, after = similarities(0.9, 0.9, 0.4), similarities(0.9, 0.45, 0.4)
    assert np.quantile(before, 0.95) == np.quantile(after, 0.95)
    assert ((before >= 0.5).sum(), (after >= 0.5).sum()) == (40, 20)
    warned = percentile_blindness(before, 0.5, direction="high")
    assert warned == (
        "40 of 1,000 lie within 0.5, but the 95th percentile is decided by the 50 closest: "
        "however close those 40 are, it stays where it is."
    )
    assert warned.replace("40", "20") == percentile_blindness(after, 0.5, direction="high")
    assert percentile_blindness(1 - before, 0.5) == warned


def test_the_percentile_may_fall_and_no_copy_goes() -> None:
    before, after = similarities(0.9, 0.9, 0.4), similarities(0.9, 0.9, 0.3)
    assert np.quantile(before, 0.95) > np.quantile(after, 0.95) + 0.09
    assert (before >= 0.5).sum() == (after >= 0.5).sum()


@given(st.integers(2, 400), st.data(), st.sampled_from([50, 75, 90, 95]))
def test_what_it_says_is_true(n: int, data: st.DataObject, percentile: int) -> None:
    close = data.draw(st.integers(0, n))
    values = np.concatenate([np.full(close, 0.1), np.linspace(0.3, 0.9, n - close)])
    closer = np.where(values == 0.1, 0.0, values)
    moved = np.quantile(values, 1 - percentile / 100) != np.quantile(closer, 1 - percentile / 100)
    said = percentile_blindness(values, 0.2, percentile)
    if close:
        assert (said is None) == bool(moved)
    else:
        assert said is None


def test_one_copy_and_gaps_and_none() -> None:
    values = np.array([0.1, np.nan, *np.linspace(0.3, 0.9, 59)])
    assert "1 of 60 lies within" in str(percentile_blindness(values, 0.2))
    assert percentile_blindness(values, 0.05) is None
    assert percentile_blindness(np.full(60, 0.1), 0.2) is None
    assert percentile_blindness(np.array([np.nan]), 0.2) is None
