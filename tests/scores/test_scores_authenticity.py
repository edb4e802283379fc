"""AuthPct: by hand, against the published chance of pairs, and both controls."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from solidmark.errors import BadInput, EmptyTable
from solidmark.scores import Nearest, authpct


def nearest(rows: np.ndarray, training: np.ndarray) -> Nearest:
    distance, place = cKDTree(training).query(rows)
    return Nearest(distance, place)


def others(training: np.ndarray) -> Nearest:
    distance, place = cKDTree(training).query(training, k=2)
    return Nearest(distance[:, 1], place[:, 1])


def by_hand(rows: np.ndarray, training: np.ndarray) -> float:
    found = []
    for row in rows:
        to_training = np.linalg.norm(training - row, axis=1)
        first = int(to_training.argmin())
        rest = np.delete(training, first, axis=0)
        found.append(to_training[first] > np.linalg.norm(rest - training[first], axis=1).min())
    return float(np.mean(found))


def test_the_share_is_that_of_a_loop() -> None:
    generator = np.random.default_rng(0)
    training, drawn = generator.standard_normal((2, 60, 3))
    fresh = generator.standard_normal((40, 3))
    row = authpct(
        nearest(drawn, training), others(training), nearest(fresh, training), measure="l2"
    )
    assert row.value == by_hand(drawn, training)
    assert row.chance == by_hand(fresh, training)
    counts = row.count, round(40 * row.chance)
    table = [[counts[0], 60 - counts[0]], [counts[1], 40 - counts[1]]]
    assert row.p_value == pytest.approx(stats.fisher_exact(table, "less").pvalue)
    interval = stats.binomtest(counts[0], 60).proportion_ci(method="exact")
    assert (row.ci_low, row.ci_high) == pytest.approx(tuple(interval))
    assert (row.statistic, row.direction, row.unit) == ("authpct", "low", "share")


def test_chance_without_held_out_images_leaves_each_training_image_out() -> None:
    training = np.random.default_rng(1).standard_normal((50, 2))
    training[3] = training[4]  # exact duplicates too
    left_out = [by_hand(training[i : i + 1], np.delete(training, i, axis=0)) for i in range(50)]
    row = authpct(nearest(training[:5] + 0.3, training), others(training), measure="l2")
    assert row.chance == np.mean(left_out)
    assert row.p_value is None
    assert "each against the others" in row.note


@pytest.mark.parametrize(("dimensions", "published"), [(1, 1 / 3), (2, 0.3785), (3, 0.4074)])
def test_chance_is_that_of_not_being_in_a_pair(dimensions: int, published: float) -> None:
    """Mutual nearest neighbours among random points: 2/3, 0.6215, 0.5926 (Pickard, 1982)."""
    generator = np.random.default_rng(2)
    training, drawn = generator.random((2, 20_000, dimensions))
    row = authpct(nearest(drawn, training), others(training), measure="l2")
    assert row.chance == pytest.approx(published, abs=0.02)
    assert row.value == pytest.approx(published, abs=0.02)


def test_copies_are_caught_and_fresh_draws_are_not() -> None:
    generator = np.random.default_rng(3)
    training = generator.standard_normal((300, 8))
    copies = training[generator.integers(300, size=200)] + 1e-3 * generator.random((200, 8))
    fresh = nearest(generator.standard_normal((200, 8)), training)
    caught = authpct(nearest(copies, training), others(training), fresh, measure="l2")
    assert (caught.value, caught.count) == (0.0, 0)
    assert caught.p_value < 1e-20
    alarms = 0
    for _ in range(100):
        training, drawn, fresh_draws = generator.standard_normal((3, 100, 8))
        row = authpct(
            nearest(drawn, training),
            others(training),
            nearest(fresh_draws, training),
            measure="l2",
        )
        alarms += row.p_value < 0.05
    assert alarms <= stats.binom.ppf(0.9999, 100, 0.05)


def test_copies_of_duplicates_pass_for_authentic() -> None:
    """The weakness that the docstring warns of."""
    generator = np.random.default_rng(4)
    single = generator.standard_normal((100, 8))
    doubled = np.concatenate([single, single + 1e-4])
    copies = single + 1e-3 * generator.standard_normal((100, 8))
    row = authpct(nearest(copies, doubled), others(doubled), measure="l2")
    assert row.value > 0.9
    assert cdist(copies, single).min(axis=1).max() < 0.01


def test_what_failed_is_counted() -> None:
    training = np.random.default_rng(5).standard_normal((20, 2))
    found = nearest(training[:6] + 0.5, training)
    gaps = Nearest(np.insert(found.distance, 2, np.nan), np.insert(found.place, 2, -1))
    whole = authpct(found, others(training), measure="l2")
    row = authpct(gaps, others(training), measure="l2")
    assert (row.n, row.failed, row.value) == (6, 1, whole.value)
    with pytest.raises(EmptyTable):
        authpct(Nearest(np.array([np.nan]), np.array([0])), others(training), measure="l2")
    with pytest.raises(BadInput, match="number 20, and there are 20"):
        authpct(Nearest(np.array([0.1]), np.array([20])), others(training), measure="l2")
