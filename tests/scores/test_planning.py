"""A forecast: it follows its laws, and it agrees with mixes that are drawn and named for real."""

import doctest
import time
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.errors import BadInput
from solidmark.scores import (
    COUNTS,
    Outlook,
    enough_keys,
    outlook,
    planning,
    q_values,
    saddlepoint,
    smallest_named_share,
    smallest_share_by_exchange,
    strength,
)
from solidmark.scores.planning import (
    ERRORS,
    named_share,
    weakest_error,
)
from solidmark.scores.strength import CHANCE, memorized_closeness, memorized_p_values, noise_of


@pytest.fixture(scope="module")
def forecast() -> list[Outlook]:
    return outlook(10_000, 0.01)


def named(row: Outlook) -> list[float]:
    return [prospect.named for prospect in row.prospects]


def test_more_keys_see_more_and_weaker_memory_less(forecast: list[Outlook]) -> None:
    for row in forecast:
        assert [p.error for p in row.prospects] == list(ERRORS)
        assert all(a >= b for a, b in pairwise(named(row)))
        for field in ("smallest_named", "smallest_seen"):
            shares = [getattr(p, field) or 2.0 for p in row.prospects]
            assert all(a <= b for a, b in pairwise(shares)), (row.count, field)
    for few, many in pairwise(forecast):
        assert all(a <= b for a, b in zip(named(few), named(many), strict=True))
        assert (few.weakest_error or 0) <= (many.weakest_error or 0)
        for a, b in zip(few.prospects, many.prospects, strict=True):
            assert (a.smallest_named or 2) >= (b.smallest_named or 2)
            # One key has discrete p-values, and draws differ: hence a thousandth.
            assert (a.smallest_seen or 2) >= (b.smallest_seen or 2) - 1e-3


def test_a_solid_mark_names_nobody_among_thousands(forecast: list[Outlook]) -> None:
    assert forecast[0].count == 1
    assert named(forecast[0]) == [0.0] * len(ERRORS)
    assert forecast[0].weakest_error is None


@pytest.mark.parametrize("count", COUNTS)
def test_at_chance_nobody_is_named_and_p_is_uniform(count: int) -> None:
    p = memorized_p_values(count, 0.3333)
    assert named_share(p, 0.1) == 0
    assert smallest_named_share(p, 1000) is None
    assert p.mean() == pytest.approx(0.5, abs=0.05)


def test_the_weakest_error_is_the_edge(forecast: list[Outlook]) -> None:
    edge = forecast[4].weakest_error
    assert edge is not None
    assert forecast[4].count == 16
    least = 0.05 / 10_000
    assert np.median(memorized_p_values(16, edge - 0.01)) < least
    assert np.median(memorized_p_values(16, edge + 0.01)) > least
    assert weakest_error(16, 100) > edge
    assert weakest_error(256, 10) == pytest.approx(0.3, abs=0.025)


@pytest.mark.parametrize(
    ("count", "error", "share"),
    [(8, 0.1, 0.05), (16, 0.1, 0.01), (16, 0.15, 0.02), (16, 0.2, 0.3), (4, 0.05, 0.1)],
)
def test_the_fixed_point_is_what_a_mix_shows(count: int, error: float, share: float) -> None:
    """5,000 images, of which some are memorized, named with `q_values`, many times."""
    generator = np.random.default_rng(1)
    images, law = 5000, memorized_p_values(count, error)
    memorized = round(share * images)
    shares = []
    for _ in range(40):
        p = np.concatenate([generator.choice(law, memorized), generator.random(images - memorized)])
        shares.append((q_values(p)[:memorized] <= 0.05).mean())
    assert named_share(law, share) == pytest.approx(np.mean(shares), abs=0.03)


def test_at_the_smallest_share_half_are_named() -> None:
    law = memorized_p_values(16, 0.15)
    share = smallest_named_share(law, 10_000)
    assert share is not None
    assert named_share(law, share * 1.001) >= 0.5
    assert named_share(law, share * 0.98) < 0.5


def test_closeness_is_standardised_as_the_permutation_test_does() -> None:
    """The closed form against the readings of the law, compared with a thousand drawn keys."""
    key, read = strength._readings(4, 0.1)
    drawn = np.random.default_rng(3).random((1000, 4))
    distance = np.abs(read[:, None] - drawn).mean(axis=2)
    own = np.abs(read - key).mean(axis=1)
    expected = (distance.mean(axis=1) - own) / distance.std(axis=1)
    # A mean and a spread of 1,000 draws are known to 3 % and 2 % of a standard deviation.
    np.testing.assert_allclose(memorized_closeness(4, 0.1), expected, atol=0.3)
    assert memorized_closeness(4, 0.1).mean() == pytest.approx(expected.mean(), abs=0.02)


def test_few_images_are_not_seen() -> None:
    assert smallest_share_by_exchange(memorized_closeness(1, 0.3), 10) is None


@pytest.mark.parametrize("images", [1, 2, 50])
def test_no_share_is_less_than_one_image(images: int) -> None:
    for row in outlook(images, 1.0):
        for prospect in row.prospects:
            for share in (prospect.smallest_named, prospect.smallest_seen):
                assert share is None or 1 / images <= share <= 1


def test_enough_is_where_nearly_all_are_named(forecast: list[Outlook]) -> None:
    assert enough_keys(forecast) == 64
    assert enough_keys(forecast[:3]) == forecast[2].count
    assert enough_keys(outlook(10_000, 0.01, errors=(0.05,))) == 8


@settings(deadline=None, max_examples=30)
@given(st.floats(1e-4, 0.33))
def test_the_noise_makes_the_error(error: float) -> None:
    generator = np.random.default_rng(0)
    key = generator.random(200_000)
    folded = np.abs(key + noise_of(error) * generator.standard_normal(len(key))) % 2
    key_read = np.minimum(folded, 2 - folded)
    assert np.abs(key - key_read).mean() == pytest.approx(error, rel=0.01)
    assert key_read.std() == pytest.approx(np.sqrt(1 / 12), rel=0.02)


# What the reader `gradient` did in networks trained on 64 digits: docs/planning.md.
MEASURED = [
    (16, 0.227, 9.5e-3),
    (16, 0.140, 1.6e-5),
    (16, 0.105, 6.7e-7),
    (16, 0.085, 5.4e-8),
    (64, 0.220, 2.8e-6),
    (64, 0.158, 2.4e-12),
]


@pytest.mark.parametrize(("count", "error", "median"), MEASURED)
def test_trained_networks_do_a_little_better(count: int, error: float, median: float) -> None:
    assert 1 < np.median(memorized_p_values(count, error)) / median < 8


def test_the_same_forecast_every_time() -> None:
    first = memorized_p_values(16, 0.1).copy()
    memorized_p_values.cache_clear()
    assert np.array_equal(first, memorized_p_values(16, 0.1))


def test_a_whole_table_takes_two_seconds() -> None:
    memorized_p_values.cache_clear()
    started = time.process_time()
    outlook(10_000, 0.01)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    ("images", "share", "fdr"),
    [(0, 0.5, 0.05), (100, 0.0, 0.05), (100, 1.5, 0.05), (100, 0.5, 0.0), (99, 0.01, 0.05)],
)
def test_bad_numbers(images: int, share: float, fdr: float) -> None:
    with pytest.raises(BadInput):
        outlook(images, share, fdr)


def test_bad_strengths() -> None:
    for error in (0.0, CHANCE, 0.5, float("nan")):
        with pytest.raises(BadInput, match="chance"):
            noise_of(error)
    with pytest.raises(BadInput, match="count"):
        memorized_p_values(0, 0.1)


@pytest.mark.parametrize("module", [planning, saddlepoint, strength])
def test_the_examples_in_the_docstrings(module: object) -> None:
    done = doctest.testmod(module)  # type: ignore[arg-type]
    assert done.attempted > 0
    assert done.failed == 0
