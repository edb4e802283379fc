"""C_T: against scipy's Mann-Whitney test, by hand over cells, and both controls."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial import cKDTree

from solidmark.errors import BadInput, EmptyTable
from solidmark.scores import c_t, cells_of
from solidmark.scores.copying import mann_whitney_z


@pytest.mark.parametrize("levels", [None, 5])
def test_z_is_scipys_test(levels: int | None) -> None:
    generator = np.random.default_rng(0)
    first, second = generator.random(80), generator.random(60) + 0.05
    if levels:
        first, second = np.floor(first * levels), np.floor(second * levels)
    reference = stats.mannwhitneyu(
        first, second, alternative="less", use_continuity=False, method="asymptotic"
    )
    z = mann_whitney_z(first, second)
    assert stats.norm.cdf(z) == pytest.approx(reference.pvalue, rel=1e-9)
    assert z == pytest.approx(-mann_whitney_z(second, first))
    row = c_t(first, second, measure="l2")
    assert (row.value, row.facts["cells"], row.facts["spread"]) == (pytest.approx(z), 1, 1.0)
    assert row.p_value == pytest.approx(reference.pvalue, rel=1e-9)
    u = sum((a > b) + (a == b) / 2 for a in first for b in second)
    if levels is None:
        assert z == pytest.approx((u - 2400) / np.sqrt(80 * 60 * 141 / 12))


def test_all_alike_is_nought() -> None:
    row = c_t(np.ones(30), np.ones(20), measure="l2")
    assert (row.value, row.p_value) == (0.0, 0.5)


def test_cells_by_hand() -> None:
    generator = np.random.default_rng(1)
    own, fresh = generator.random(200), generator.random(150)
    own_cells, fresh_cells = generator.integers(4, size=200), generator.integers(4, size=150)
    own_cells[own_cells == 3] = 2
    own_cells[:19] = 3  # too few to count
    own_cells[19:] %= 3
    row = c_t(own, fresh, own_cells, fresh_cells, measure="l2")
    weights = np.array([(fresh_cells == cell).mean() for cell in range(3)])
    z = [mann_whitney_z(own[own_cells == c], fresh[fresh_cells == c]) for c in range(3)]
    assert row.value == pytest.approx(weights @ z / weights.sum())
    assert row.facts["spread"] == pytest.approx(np.sqrt((weights**2).sum()) / weights.sum())
    assert row.p_value == pytest.approx(stats.norm.cdf(row.value / row.facts["spread"]))
    assert row.facts["cells"] == 3
    assert f"3 cells, with {100 * weights.sum():.0f} % of the held-out" in row.note


def clouds(generator: np.random.Generator, dense: int, sparse: int) -> np.ndarray:
    """Two clouds, far apart: in one, images lie ten times further from one another."""
    return np.concatenate(
        [
            0.1 * generator.standard_normal((dense, 5)),
            20 + generator.standard_normal((sparse, 5)),
        ]
    )


def test_copying_in_every_cell_is_hidden_without_cells() -> None:
    generator = np.random.default_rng(2)
    training, fresh = clouds(generator, 400, 400), clouds(generator, 270, 30)
    # It copies a little everywhere, but draws mostly from the cloud where images lie far apart.
    drawn = training[np.r_[0:30, 400:670]]
    drawn = drawn + np.repeat([0.02, 0.2], [30, 270])[:, None] * generator.standard_normal((300, 5))
    tree = cKDTree(training)
    own, null = tree.query(drawn)[0], tree.query(fresh)[0]
    cells, fresh_cells = cells_of(training, drawn, fresh, count=2)
    assert {len(set(cells[:30])), len(set(cells[30:])), len(set(cells))} == {1, 2}
    plain = c_t(own, null, measure="l2")
    celled = c_t(own, null, cells, fresh_cells, measure="l2")
    assert plain.value > 3
    assert celled.value < -3
    assert celled.p_value < 1e-3


def test_copies_are_caught_and_fresh_draws_are_not() -> None:
    generator = np.random.default_rng(3)
    alarms = {True: 0, False: 0}
    values = []
    for run in range(100):
        training, drawn, fresh = (clouds(generator, 120, 120) for _ in range(3))
        tree = cKDTree(training)
        own, null = tree.query(drawn)[0], tree.query(fresh)[0]
        cells = cells_of(training, drawn, fresh, count=3, seed=run)
        for with_cells in alarms:
            row = c_t(own, null, *(cells if with_cells else ()), measure="l2")
            alarms[with_cells] += row.p_value < 0.05
        values.append(row.value)
    assert max(alarms.values()) <= stats.binom.ppf(0.9999, 100, 0.05)
    assert stats.kstest(values, "norm").pvalue > 1e-4
    copies = tree.query(training + 1e-3)[0]
    caught = c_t(copies, null, measure="l2")
    assert caught.value < -10
    assert caught.p_value < 1e-50


def test_cells_are_of_the_training_images_and_of_the_seed() -> None:
    generator = np.random.default_rng(4)
    training, drawn = clouds(generator, 100, 100), clouds(generator, 10, 10)
    first = cells_of(training, drawn, count=6, seed=1)[0]
    np.testing.assert_array_equal(first, cells_of(training, drawn[::-1], count=6, seed=1)[0][::-1])
    assert set(first) <= set(range(6))
    assert len(cells_of(training[:3], drawn, drawn, count=10)) == 2
    assert not set(first[:10]) & set(first[10:])


def test_what_cannot_be_asked() -> None:
    values, cells = np.array([0.1, np.nan, 0.3]), np.zeros(3, int)
    row = c_t(values, values, measure="l2")
    assert (row.n, row.failed) == (4, 2)
    assert "2 could not be scored" in row.note
    few = c_t(values, values, cells, cells, measure="l2")
    assert (few.value, few.facts["cells"], few.facts["spread"], few.p_value) == (
        None,
        0,
        None,
        None,
    )
    assert "No cell has 20" in few.note
    with pytest.raises(BadInput, match="Only one side has cells"):
        c_t(values, values, cells, measure="l2")
    with pytest.raises(EmptyTable):
        c_t(values, np.full(2, np.nan), measure="l2")
