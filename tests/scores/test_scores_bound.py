"""What a count could have seen, against a simulation."""

import doctest
from typing import Any

import numpy as np
import pytest
from scipy import stats

from solidmark.scores import bound, content
from solidmark.scores.bound import smallest_copied_share
from solidmark.scores.content import unlike_shares


def test_the_bound_is_what_a_simulation_finds() -> None:
    n, m, rank, alpha = 200, 120, 1, 0.005
    share = smallest_copied_share(n, m, rank, alpha)
    assert share is not None
    rng = np.random.default_rng(0)

    def seen(copies: int, runs: int = 4000) -> float:
        null = np.sort(rng.random((runs, m)), axis=1)[:, rank - 1]
        counts = copies + (rng.random((runs, n - copies)) < null[:, None]).sum(axis=1)
        p = stats.hypergeom.cdf(rank - 1, n + m, m, counts + rank - 1)
        return float((p < alpha).mean())

    copies = round(share * n)
    assert seen(copies) > 0.8 - 0.025
    assert seen(copies - 2) < 0.8


@pytest.mark.parametrize(("n", "m"), [(3, 3), (10, 2)])
def test_too_few_images_have_no_bound(n: int, m: int) -> None:
    assert smallest_copied_share(n, m, 1, 0.01) is None


def test_sides_of_other_contrasts_are_told_by_fishers_test() -> None:
    rng = np.random.default_rng(0)
    same = [unlike_shares(rng.random(50), rng.random(40), "two-sided") for _ in range(200)]
    assert sum(found is not None for found in same) <= 6
    own, null = np.full(60, 0.01), np.full(60, 0.3)
    assert unlike_shares(own, null) == unlike_shares(own, null, "two-sided") == (1.0, 0.0)
    assert unlike_shares(null, own) is None
    assert unlike_shares(null, own, "two-sided") == (0.0, 1.0)
    assert unlike_shares(np.empty(0), own) is None


@pytest.mark.parametrize("module", [bound, content])
def test_the_examples_in_the_docstrings_hold(module: Any) -> None:
    done = doctest.testmod(module)
    assert done.attempted > 0
    assert done.failed == 0
