"""The screen decides about the bulk, within 1 % of the exact law, and about nothing else."""

import numpy as np
import pytest

from solidmark.scores import additive, additive_p_values
from solidmark.scores.screen import CERTAIN, screened_p_values
from solidmark.scores.statistics import energy_costs, fisher_costs, l1_costs

ROWS = 24


def drawn(
    statistic: str, count: int, peers: int | None, seed: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Costs, levels and weights of readings that know nothing, or a little."""
    generator = np.random.default_rng(seed)
    levels = generator.integers(0, 256, (ROWS, count))
    weights = np.ones((count, 256))
    if peers is not None:
        pool = generator.integers(0, 256, (peers, count))
        levels = pool[generator.integers(0, peers, ROWS)]
        weights = np.stack([np.bincount(column, minlength=256) for column in pool.T]).astype(float)
    leaning = 0.2 * generator.random((ROWS, 1))
    read = (1 - leaning) * generator.random((ROWS, count)) + leaning * levels / 255
    if statistic == "energy":
        candidates = [0.0, 0.25, 0.5, 0.75, 1.0]
        return energy_costs(candidates, generator.random((ROWS, count, 5))), levels, weights
    if statistic == "l1 on levels":
        return l1_costs(np.rint(read * 255) / 255), levels, weights
    return (fisher_costs if statistic == "fisher" else l1_costs)(read), levels, weights


def unscreened(costs: np.ndarray, *_: np.ndarray) -> np.ndarray:
    return np.full(len(costs), np.nan)


@pytest.mark.parametrize("statistic", ["l1", "l1 on levels", "fisher", "energy"])
@pytest.mark.parametrize(("count", "peers"), [(8, None), (8, 40), (16, 8), (16, None), (64, 40)])
def test_within_one_per_cent_in_the_bulk_and_exact_below(
    statistic: str, count: int, peers: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = drawn(statistic, count, peers, seed=count)
    found = additive_p_values(*asked)
    monkeypatch.setattr(additive, "screened_p_values", unscreened)
    exact = additive_p_values(*asked)
    np.testing.assert_array_equal(found[exact < 0.99 * CERTAIN], exact[exact < 0.99 * CERTAIN])
    # The exact way is above the exact value by up to .4 %, the screen below it by up to .5 %.
    np.testing.assert_allclose(found, exact, rtol=0.01)
    if count >= 16:
        assert (found != exact)[exact >= CERTAIN].mean() > 0.9


@pytest.mark.parametrize("kept", ["few keys", "few costs", "distant greys", "one grey"])
def test_where_the_law_has_steps_the_exact_way_decides(kept: str) -> None:
    generator = np.random.default_rng(0)
    costs = generator.random((ROWS, 4 if kept == "few keys" else 16, 256))
    rates = np.full(costs.shape[1:], 1 / 256)
    if kept == "few costs":
        costs = np.round(costs * 3)
    elif kept == "distant greys":
        rates = np.tile((np.arange(256) % 16 == 0) / 16, (16, 1))
    elif kept == "one grey":
        rates = np.tile(np.where(np.arange(256) == 99, 0.9, 0.1 / 255), (16, 1))
    costs = costs - costs.min(axis=2, keepdims=True)
    assert np.isnan(screened_p_values(costs, costs[:, :, 7].sum(axis=1), rates)).all()


def test_costs_of_all_scales_are_judged_alike() -> None:
    costs, levels, weights = drawn("l1", 16, None, seed=1)
    scales = 10.0 ** np.linspace(-9, 9, ROWS)[:, None, None]
    np.testing.assert_allclose(
        additive_p_values(costs * scales, levels, weights),
        additive_p_values(costs, levels, weights),
        rtol=1e-6,
    )


def test_a_row_does_not_depend_on_those_beside_it() -> None:
    costs, levels, weights = drawn("l1", 16, 40, seed=2)
    together = additive_p_values(costs, levels, weights)
    for some in (slice(0, 1), slice(3, 10), slice(None, None, -1)):
        alone = additive_p_values(costs[some], levels[some], weights)
        np.testing.assert_array_equal(alone, together[some])
