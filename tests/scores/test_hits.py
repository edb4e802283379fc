"""The law of a hit count, and what grouped rows are worth."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from solidmark.scores import clopper_pearson, effective_n, hit_chance
from solidmark.scores.groups import group_codes
from solidmark.scores.hits import _shared_vector, group_laws, sum_law, upper_tail

# No estimate lies as close to the edge of a hit as what counts as a tie.
fine = st.integers(0, 100_003).map(lambda i: i / 100_003)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_the_sum_of_different_chances_by_enumeration(chances: list[float]) -> None:
    expected = np.zeros(len(chances) + 1)
    for hits in itertools.product([0, 1], repeat=len(chances)):
        terms = [c if hit else 1 - c for hit, c in zip(hits, chances, strict=True)]
        expected[sum(hits)] += np.prod(terms)
    law = sum_law([np.array([1 - c, c]) for c in chances])
    np.testing.assert_allclose(law, expected, rtol=1e-9, atol=1e-300)


@pytest.mark.parametrize(("n", "chance"), [(64, 0.0975), (10_000, 0.0975), (10_000, 1e-6)])
def test_the_far_tail_of_equal_chances_is_binomial(n: int, chance: float) -> None:
    law = sum_law([np.array([1 - chance, chance])] * n)
    counts = [c for c in range(1, n) if 1e-200 < stats.binom.sf(c - 1, n, chance) < 1e-20]
    assert len(counts) >= 10
    for count in counts[:: max(1, len(counts) // 20)]:
        assert upper_tail(law, count) == pytest.approx(stats.binom.sf(count - 1, n, chance), 1e-9)


def test_a_tail_is_never_zero_and_no_hit_is_certain() -> None:
    law = sum_law([np.array([1 - 1e-3, 1e-3])] * 500)
    assert upper_tail(law, 0) == 1.0
    assert 0 < upper_tail(law, 500) < 1e-300


@settings(deadline=None)
@given(st.lists(fine, min_size=2, max_size=5), st.sampled_from([0.005, 0.1, 0.7]))
def test_rows_of_one_key_are_counted_over_its_levels(read: list[float], delta: float) -> None:
    key_read = np.array(read)[:, None]
    codes = np.zeros(len(read), dtype=int)
    (law,) = group_laws(key_read, hit_chance(key_read, delta), codes, delta, 0)
    expected = np.zeros(len(read) + 1)
    for level in range(256):
        expected[sum(abs(level / 255 - k_hat) <= delta + 1e-9 for k_hat in read)] += 1 / 256
    np.testing.assert_allclose(law, expected, atol=1e-15)


def test_laws_come_in_the_order_of_the_groups() -> None:
    key_read = np.array([[0.0], [0.5], [0.5], [0.5]])
    codes = group_codes(["b", "a", "a", "c"], 4)
    laws = group_laws(key_read, hit_chance(key_read, 0.1), codes, 0.1, 0)
    assert [len(law) for law in laws] == [3, 2, 2]
    assert laws[1][1] == pytest.approx(26 / 256)  # an estimate in the corner hits half as often


def test_drawn_key_vectors_have_the_known_mean() -> None:
    generator = np.random.default_rng(0)
    key_read = np.array([[0.5, 0.5], [0.52, 0.49], [0.1, 0.9]])
    chance = hit_chance(key_read, 0.2)
    law = _shared_vector(key_read, chance, 0.2, generator)
    keys = generator.integers(256, size=(200_000, 2)) / 255
    hits = (np.abs(keys[:, None] - key_read).mean(axis=2) <= 0.2).sum(axis=1)
    assert law @ np.arange(4) == pytest.approx(chance.sum())
    np.testing.assert_allclose(law, np.bincount(hits, minlength=4) / 200_000, atol=0.02)
    assert law[2] > 3 * law[1] * 0.2  # the first two rows mostly hit together


def test_rare_hits_of_key_vectors_are_bounded_not_drawn() -> None:
    generator = np.random.default_rng(0)
    key_read = generator.random((4, 8))
    chance = hit_chance(key_read, 0.05)
    assert chance.max() < 1e-4
    law = _shared_vector(key_read, chance, 0.05, generator)
    assert law.sum() == pytest.approx(1)
    for hits in range(1, 5):  # Markov: above every law with this mean
        assert law[hits:].sum() == pytest.approx(chance.sum() / hits)


@given(st.integers(1, 60), st.data())
def test_the_interval_is_scipys(n: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(0, n))
    reference = stats.binomtest(count, n).proportion_ci(method="exact")
    np.testing.assert_allclose(clopper_pearson(count, n), reference, atol=1e-12)


@pytest.mark.parametrize(
    ("groups", "expected"),
    [(["a", "b", "c"], 3.0), (["a", "a", "b", "b"], 2.0), (["a"] * 5, 1.0), (["a", "a", "b"], 1.8)],
)
def test_grouped_rows_are_worth_less(groups: list[str], expected: float) -> None:
    assert effective_n(group_codes(groups, len(groups))) == pytest.approx(expected)
