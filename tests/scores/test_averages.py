"""What groups are known by together: seen where it is so, and uniform where it is not."""

import numpy as np
import pytest
from scipy import stats

from solidmark.scores import Pool
from solidmark.scores.averages import group_averages


def pools(generator: np.random.Generator, groups: int, size: int, told: bool = True) -> dict:
    return {
        g: Pool(
            tuple(f"{g}-{i}" for i in range(size)),
            generator.integers(256, size=(size, 8)) / 255,
            told,
        )
        for g in range(groups)
    }


@pytest.mark.parametrize("size", [2, 8])
def test_a_model_that_knows_averages_is_seen_to(size: int) -> None:
    found_pools = pools(np.random.default_rng(0), 10, size)
    peers = np.repeat(np.arange(10), size).tolist()
    read = np.concatenate([np.tile(p.keys.mean(axis=0), (size, 1)) for p in found_pools.values()])
    found = group_averages(read, peers, found_pools)
    assert found is not None
    assert found.groups == 10
    assert found.known >= 5
    assert (found.smallest, found.largest) == (size, size)
    assert found.estimate.p_value < 1e-3


@pytest.mark.parametrize(("groups", "size"), [(1, 4), (2, 2), (10, 3)])
def test_its_p_value_is_uniform_when_no_average_is_known(groups: int, size: int) -> None:
    p = []
    for run in range(1000):
        generator = np.random.default_rng(run)
        peers = np.repeat(np.arange(groups), size).tolist()
        # Readings of one group are alike, as those of a caption are.
        read = np.repeat(generator.random((groups, 8)), size, axis=0)
        found = group_averages(read, peers, pools(generator, groups, size))
        assert found is not None
        p.append(found.estimate.p_value)
    for level in (0.01, 0.05, 0.2):
        assert np.sum(np.array(p) <= level) <= stats.binom.ppf(0.999, 1000, level)


def test_groups_that_nobody_can_be_told_are_not_tested() -> None:
    generator = np.random.default_rng(1)
    assert (
        group_averages(np.zeros((4, 8)), [0, 0, 1, 1], pools(generator, 2, 2, told=False)) is None
    )


def test_readings_that_are_all_the_same_know_nothing() -> None:
    found = group_averages(
        np.full((4, 8), 0.5), [0, 0, 1, 1], pools(np.random.default_rng(2), 2, 2)
    )
    assert found is not None
    assert found.estimate.p_value == 1.0
    assert found.smallest is found.largest is None
