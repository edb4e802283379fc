"""The statistics by name: what each ranks, and the curve through the energies."""

import numpy as np
import pytest

from solidmark.errors import BadInput
from solidmark.scores import energy_costs, fisher_costs, p_values, statistic_p_values

LEVELS = np.arange(256) / 255


def test_fisher_adds_the_logs_of_what_each_key_gives_by_itself() -> None:
    generator = np.random.default_rng(0)
    key_read, level = generator.random((4, 3)), generator.integers(256, size=(4, 3))
    costs = fisher_costs(key_read)
    for row, column in np.ndindex(4, 3):
        k_hat, j = key_read[row, column], level[row, column]
        p = p_values(np.array([abs(j / 255 - k_hat)]), np.array([[k_hat]]))[0]
        assert costs[row, column, j] == pytest.approx(np.log(p))


def test_with_one_key_fisher_is_the_distance_and_energy_the_rank() -> None:
    generator = np.random.default_rng(1)
    key, key_read = generator.integers(256, size=(50, 1)) / 255, generator.random((50, 1))
    by_distance = statistic_p_values("l1", key, key_read)
    np.testing.assert_array_equal(statistic_p_values("fisher", key, key_read), by_distance)
    candidates, energies = np.linspace(0, 1, 9), generator.standard_normal((50, 1, 9))
    found = statistic_p_values("energy", key, key_read, candidates, energies)
    curve = energy_costs(candidates, energies)[:, 0]
    at_key = np.take_along_axis(curve, np.rint(key * 255).astype(int), axis=1)
    np.testing.assert_allclose(found, (curve <= at_key + 1e-12).mean(axis=1))


def test_the_curve_goes_through_the_candidates() -> None:
    energies = np.random.default_rng(2).standard_normal((2, 3, 6))
    curve = energy_costs(np.arange(6) / 5, energies)
    np.testing.assert_allclose(curve[..., ::51], energies, atol=1e-12)
    parabola = (np.linspace(0, 1, 5) - 0.3) ** 2
    np.testing.assert_allclose(
        energy_costs(np.linspace(0, 1, 5), parabola[None, None])[0, 0], (LEVELS - 0.3) ** 2
    )


def test_each_sees_what_it_is_made_for() -> None:
    """A few keys read exactly and the others missed: Fisher. All read roughly: the distance."""
    generator = np.random.default_rng(3)
    key = generator.integers(256, size=(40, 8)) / 255
    some = np.where(np.arange(8) < 3, key, generator.random((40, 8)))
    rough = (key + 0.15 * generator.standard_normal((40, 8))).clip(0, 1)
    for key_read, better, worse in ((some, "fisher", "l1"), (rough, "l1", "fisher")):
        p = {name: statistic_p_values(name, key, key_read) for name in (better, worse)}
        assert np.median(p[better]) < np.median(p[worse])


@pytest.mark.parametrize("candidates", [[0.5], [0, 1, 0.5], [0.1, 0.5, 1], [0, 0.5, 0.5, 1]])
def test_candidates_that_make_no_curve_are_refused(candidates: list[float]) -> None:
    with pytest.raises(BadInput, match="rise from 0 to 1"):
        energy_costs(candidates, np.zeros((1, 1, len(candidates))))


def test_energy_needs_energies() -> None:
    with pytest.raises(BadInput, match="needs energies"):
        statistic_p_values("energy", np.zeros((1, 1)), np.zeros((1, 1)))
