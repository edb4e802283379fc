"""Frequencies, tests and thresholds, each against somebody else's arithmetic."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from solidmark.measures.intent.asking import Rules
from solidmark.measures.intent.counting import Share, among, fisher, recurrence
from solidmark.measures.intent.shown import calibrated, image_threshold, set_threshold
from solidmark.measures.intent.training import Training
from solidmark.subjects import TIE, open_likeness

shares = st.integers(1, 40).flatmap(lambda n: st.builds(Share, st.integers(0, n), st.just(n)))


@settings(deadline=None)
@given(shares, shares)
def test_the_test_is_scipys(more: Share, less: Share) -> None:
    table = [[more.count, more.n - more.count], [less.count, less.n - less.count]]
    expected = stats.fisher_exact(table, alternative="greater").pvalue
    assert fisher(more, less) == pytest.approx(expected, rel=1e-9)


def test_the_test_by_hand() -> None:
    draws = list(combinations([1, 1, 1, 1, 0, 0, 0, 0, 0, 0], 4))
    expected = sum(sum(draw) >= 3 for draw in draws) / len(draws)
    assert fisher(Share(3, 4), Share(1, 6)) == pytest.approx(expected)


def test_without_generations_there_is_no_test() -> None:
    assert fisher(Share(0, 0), Share(1, 6)) is None
    assert fisher(Share(1, 6), Share(0, 0)) is None
    assert recurrence(Share(0, 0), 0.01) is None
    assert recurrence(Share(3, 4), None) is None
    assert Share(0, 0).value is None
    assert Share(0, 0).interval == (None, None)


@settings(deadline=None)
@given(shares, st.sampled_from([0.001, 0.01, 0.3]))
def test_the_chance_of_recurrence_is_the_tail_of_the_binomial(share: Share, rate: float) -> None:
    tail = sum(
        comb(share.n, c) * rate**c * (1 - rate) ** (share.n - c)
        for c in range(share.count, share.n + 1)
    )
    assert recurrence(share, rate) == pytest.approx(tail, rel=1e-6)


@settings(deadline=None)
@given(st.lists(st.floats(1e-9, 1), min_size=1, max_size=12), st.integers(0, 30))
def test_q_values_count_the_tests_that_nobody_sees(p: list[float], extra: int) -> None:
    expected = stats.false_discovery_control([*p, *[1.0] * extra])[: len(p)]
    assert among(p, len(p) + extra) == pytest.approx(expected.tolist())


def test_what_was_not_tested_has_no_q_value() -> None:
    assert among([0.01, None], 1) == [pytest.approx(0.01), None]
    assert among([], 0) == []


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([0.1, 0.2, 0.5, 0.9]), min_size=1, max_size=200),
    st.sampled_from([0.001, 0.05, 0.3]),
)
def test_a_threshold_lets_through_what_it_says(null: list[float], fpr: float) -> None:
    found = calibrated(np.array(null), fpr)
    assert found.value is not None
    assert found.rate is not None
    reached = sum(found.holds(value) for value in null)
    assert (reached + 1) / (len(null) + 1) <= max(fpr, 1 / (len(null) + 1)) + 1e-12
    assert (found.note is None) == (fpr * (len(null) + 1) >= 1)


def test_unlike_pictures_ask_for_no_threshold() -> None:
    assert calibrated(np.array([-np.inf] * 99 + [0.5]), 0.05).value is None
    assert calibrated(np.empty(0), 0.05).rate is None


def rows(kind: str, values: list[float]) -> list[dict]:
    return [
        {"kind": kind, "id": f"{n}", "nearest": "x", "similarity": v} for n, v in enumerate(values)
    ]


def test_generations_that_are_near_to_everything_raise_the_threshold() -> None:
    pairs = rows("pair", [n / 2000 for n in range(1000)])
    sharp = [{"second": 0.3, "status": "ok"} for _ in range(200)]
    blurred = [{"second": 0.7 + n / 1000, "status": "ok"} for n in range(200)]
    rules = Rules(fpr=0.01)
    low, high = image_threshold(pairs, sharp, rules), image_threshold(pairs, blurred, rules)
    assert low.value == pytest.approx(0.495, abs=1e-3)
    assert high.value == pytest.approx(0.898, abs=2e-3)
    assert "several pictures" in (high.note or "")
    assert image_threshold(pairs, blurred, Rules(threshold=0.6)).value == 0.6
    assert image_threshold(pairs, blurred, Rules(threshold=0.6)).rate == 1.0
    assert image_threshold([], [], Rules(threshold=0.6)).rate is None
    few = [{"second": 0.9, "status": "ok"}, *({"second": None, "status": "ok"} for _ in range(199))]
    assert image_threshold(pairs, few, rules).value == low.value, "copies count as near to one"


def test_a_set_is_shown_by_what_few_pictures_outside_of_it_reach() -> None:
    outside = rows("image", [n / 100 for n in range(100)])
    inside = [{"kind": "image", "id": "x", "nearest": "y", "similarity": 1.0}]
    found = set_threshold(["x"], [*outside, *inside], Rules(set_fpr=0.1))
    assert found.calibrated_on == 100
    assert found.value == pytest.approx(0.9 + 2 * TIE), "above what one of them has"
    assert set_threshold(["z"], outside, Rules()).value is None, "nothing comes near to it"


def test_a_copy_is_near_to_what_is_like_its_picture_and_a_blur_to_pictures_that_differ() -> None:
    noise = torch.rand(6, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    shot, other_shot = noise[0], 0.8 * noise[0] + 0.2 * noise[1]
    pictures = [shot, other_shot, *noise[2:]]
    likeness = open_likeness("l2")
    ids = [f"{n}" for n in range(6)]
    training = Training(
        ids, {id: id for id in ids}, {}, {}, likeness.rows(pictures), np.empty(0), {}, ""
    )
    blur = noise[2:].mean(0)
    grain = torch.randn(shot.shape, generator=torch.Generator().manual_seed(1))
    grainy = shot + 0.02 * grain
    asked = likeness.rows([shot, grainy, blur])
    exact, copy, blurred = training.nearest_two(likeness, asked)
    assert exact == ("0", 1.0, None)
    assert copy[0] == "0"
    assert copy[2] is None or copy[2] < 0.9 < float(likeness.pairs([shot], [other_shot])[0])
    by_hand = sorted(float(one) for one in likeness.pairs([blur] * 6, pictures))
    assert blurred[2] == pytest.approx(by_hand[-2])
