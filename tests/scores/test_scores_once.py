"""A picture counts once among those that are named, and its copies get what it gets."""

import numpy as np
import pytest
from scipy import stats

from solidmark.scores import p_and_q_once


@pytest.mark.parametrize("seed", range(20))
def test_copies_change_nothing_for_others(seed: int) -> None:
    """Against the distinct pictures alone, by hand."""
    noise = np.random.default_rng(seed)
    pictures, null = noise.random(12), noise.random(30)
    of = noise.integers(0, 12, 40)  # Which picture each image shows.
    seen: dict[int, int] = {}
    for n, k in enumerate(of):
        seen.setdefault(int(k), n)
    first = [None if seen[k] == n else seen[k] for n, k in enumerate(of)]
    p, q = p_and_q_once(pictures[of], null, first)
    distinct = sorted(seen)
    by_hand = np.array([(1 + (null <= pictures[k]).sum()) / 31 for k in distinct])
    adjusted = stats.false_discovery_control(by_hand)
    for n, k in enumerate(of):
        assert p[n] == pytest.approx(by_hand[distinct.index(k)], rel=1e-12)
        assert q[n] == pytest.approx(adjusted[distinct.index(k)], rel=1e-12)


def test_what_has_no_value_or_no_null_has_no_p() -> None:
    p, q = p_and_q_once(np.array([0.1, np.nan, 0.3]), np.array([0.2, np.nan]), [None, None, 0])
    assert p[0] == q[0] == p[2] == 0.5
    assert np.isnan([p[1], q[1]]).all()
    for null in (np.array([]), np.array([np.nan])):
        assert np.isnan(p_and_q_once(np.array([0.1]), null, [None])).all()


def test_many_copies_of_a_lucky_picture_are_one_discovery() -> None:
    """Counted as sixteen they would all be named."""
    null = np.arange(1, 40) / 40
    value = np.concatenate([np.full(16, 0.0), np.full(24, 0.9)])
    first = [None, *[0] * 15, *[None] * 24]
    p, q = p_and_q_once(value, null, first)
    assert p[0] == 1 / 40
    assert q[:16].tolist() == [25 / 40] * 16
