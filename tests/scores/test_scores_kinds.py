"""Telling two sets apart: exact under the null, able where they differ, blind to units."""

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from solidmark.errors import EmptyTable
from solidmark.runs import Figure
from solidmark.scores.control import (
    LEVEL,
    WITHHELD,
    Control,
    Shown,
    Tell,
    beside_control,
    control_from,
    exceeds_blind,
)
from solidmark.scores.kinds import (
    LEAST,
    REPEATS,
    RIDGE,
    extremes,
    gaussian_kernel,
    normal_scores,
    single_areas,
    smoother,
    tell_apart,
)


def halves(n: int, m: int) -> np.ndarray:
    return np.arange(n + m) < n


def test_p_values_are_uniform_when_both_sides_are_alike() -> None:
    p = []
    for seed in range(400):
        rng = np.random.default_rng([7, seed])
        rows = rng.normal(size=(30, 3)), rng.exponential(size=(30, 5))
        found = tell_apart(
            {"one": rows[0], "two": rows[1]}, halves(18, 12), seed=seed, permutations=39
        )
        p.append(found.auc.p_value or 0.0)
    # 40 arrangements: p is a multiple of 1 / 40, and each is as likely. Counts of 400 draws lie
    # within 4 standard deviations but once in 16,000.
    for share in (0.05, 0.25, 0.5):
        count = sum(one <= share + 1e-9 for one in p)
        assert abs(count - 400 * share) <= 4 * np.sqrt(400 * share * (1 - share))


def test_each_way_to_differ_is_seen() -> None:
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(128, 6))
    first = halves(64, 64)
    shifted, wider, turned = rows.copy(), rows.copy(), rows.copy()
    shifted[first, 2] += 1.5
    wider[first] *= 2.0
    turned[first, 1] = turned[first, 0] + 0.3 * turned[first, 1]
    for changed in (shifted, wider, turned):
        assert (tell_apart({"rows": changed}, first).auc.p_value or 1.0) <= LEVEL
    found = tell_apart({"noise": rows, "shifted": shifted}, first)
    assert found.family == "shifted"
    assert set(found.areas) == {"noise", "shifted"}
    score = roc_auc_score(first, found.score)
    assert found.auc.value == pytest.approx(score)
    assert found.areas["shifted"] == pytest.approx(score)


def test_a_score_never_saw_its_own_label() -> None:
    """The scores of a fold are those of a ridge fit to the others, done by hand."""
    rng = np.random.default_rng(3)
    kernel = gaussian_kernel(rng.normal(size=(20, 2)))
    found = smoother(kernel, np.random.default_rng(5))
    again = np.random.default_rng(5)
    labels = halves(8, 12) - 0.4
    ridge = RIDGE * np.trace(kernel) / 20
    expected = np.zeros(20)
    for _ in range(REPEATS):
        for fold in np.array_split(again.permutation(20), 5):
            rest = np.setdiff1d(np.arange(20), fold)
            inner = kernel[np.ix_(rest, rest)] + ridge * np.eye(len(rest))
            fit = np.linalg.solve(inner, labels[rest])
            expected[fold] += kernel[np.ix_(fold, rest)] @ fit / REPEATS
    # Both solve systems of condition 1e2; 1e-9 is far above their rounding.
    np.testing.assert_allclose(found @ labels, expected, atol=1e-9)


def test_ranks_forget_units_and_constants() -> None:
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(50, 3))
    rows[:, 1] = 4.0
    np.testing.assert_allclose(normal_scores(rows), normal_scores(np.exp(3 * rows)))
    assert normal_scores(rows).shape == (50, 2)
    same = tell_apart({"same": np.zeros((40, 3)), "none": np.zeros((40, 0))}, halves(20, 20))
    assert (same.auc.value, same.auc.p_value) == (0.5, 1.0)


def test_too_few_are_said_to_be_too_few() -> None:
    rows = np.random.default_rng(0).normal(size=(LEAST + 3, 2))
    with pytest.raises(EmptyTable, match="too few"):
        tell_apart({"rows": rows}, halves(LEAST - 1, 4))


def test_what_tells_and_who_is_most_telling() -> None:
    first = halves(4, 4)
    rows = np.stack([np.arange(8.0), -np.arange(8.0), np.zeros(8)], axis=1)
    np.testing.assert_array_equal(single_areas(rows, first), [0.0, 1.0, 0.5])
    assert extremes(-np.arange(8.0), first, 2) == ([0, 1], [7, 6])


def test_a_control_is_read_as_it_was_written() -> None:
    tells, shown = (Tell("contrast", 0.1, 0.2, 0.3),), (Shown("a", "pictures/a.png"),)
    known = Control("other_kind", 9, 8, 90, 80, 0.9, 0.8, 0.95, 0.001, "texture", {"texture": 0.9})
    found = Control(**{**vars(known), "tells": tells, "shown_trained": shown})
    assert control_from(found.to_json()) == found
    assert found.to_json()["withheld"]
    assert not found.trusting(True).to_json()["withheld"]


def test_names_are_withheld_and_areas_stand_beside_the_blind_one() -> None:
    named = Figure(measure="l2", statistic="named", split="trained", count=3, value=3, p_value=0.01)
    area = Figure(measure="l2", statistic="auc", split="trained_vs_held_out", value=0.7)
    shut = Control("other_kind", 9, 8, 9, 8, 0.75, 0.6, 0.85, 0.001)
    first, second = beside_control([named, area], shut)
    assert (first.count, first.p_value, first.note) == (None, None, WITHHELD)
    assert (second.number("blind_auc"), second.number("blind_ci_high")) == (0.75, 0.85)
    assert not exceeds_blind(second)
    assert exceeds_blind(replace(second, value=0.86))
    assert exceeds_blind(area)  # Nothing is known of the control.
    assert beside_control([named], shut.trusting(True)) == [named]
    assert beside_control([named], None) == [named]
