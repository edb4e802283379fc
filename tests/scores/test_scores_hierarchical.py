"""Pictures of one subject are alike; p-values of pictures and of subjects hold all the same."""

from itertools import combinations

import numpy as np
import pytest
from numpy.typing import NDArray

from solidmark.scores import p_and_q_once, q_values, subjects_once
from solidmark.scores.closeness import closeness
from solidmark.scores.conformal import conformal_p_values
from solidmark.scores.hierarchical import picture_p_values, subject_codes, subject_p_values

Values = NDArray[np.float64]
Codes = NDArray[np.int64]

UNEQUAL = (1, 2, 3, 5, 20)
RUNS = 600


def shown(
    draws: np.random.Generator, sizes: Codes | tuple[int, ...], alike: float = 0.95
) -> tuple[Values, Codes]:
    """Distances of subjects with so many pictures, of this correlation within a subject."""
    subject = np.repeat(np.arange(len(sizes)), sizes)
    common = draws.normal(size=len(sizes))[subject]
    own = draws.normal(size=len(subject))
    return np.sqrt(alike) * common + np.sqrt(1 - alike) * own, subject


def test_codes_keep_groups_together() -> None:
    assert subject_codes(None) is None
    assert subject_codes([None, None]) is None
    assert subject_codes(["a", None, "b"]) is None
    found = subject_codes(["a", None, "a", ""])
    assert found is not None
    assert len(np.unique(found)) == 3
    assert found[0] == found[2]


@pytest.mark.parametrize("seed", range(5))
def test_one_picture_each_is_the_p_of_before(seed: int) -> None:
    draws = np.random.default_rng(seed)
    value, null = draws.integers(0, 9, 20) / 9.0, draws.integers(0, 9, 30) / 9.0
    value[0] = null[0] = np.nan
    before = conformal_p_values(value, null)
    for subject in (None, np.arange(30)):
        np.testing.assert_allclose(picture_p_values(value, null, subject), before)
        found = subject_p_values(value, np.arange(20), null, subject)
        np.testing.assert_allclose(found, before)
    p, q = p_and_q_once(value, null, [None] * 20, [None] * 30)
    np.testing.assert_array_equal(p, before)
    whole = subjects_once(value, null, [None] * 20, [None] * 20, None)
    np.testing.assert_array_equal(whole, (p, q))


@pytest.mark.parametrize("seed", range(20))
def test_by_hand(seed: int) -> None:
    """Every subject weighs one, and the closest of n is compared with that of every n."""
    draws = np.random.default_rng(seed)
    sizes, fresh = (1, 3, 2, 4), (3, 3, 5, 1, 4, 2, 3, 3)
    (value, own), (null, subject) = shown(draws, sizes), shown(draws, fresh)
    apart = [null[subject == k] for k in range(len(fresh))]
    found = picture_p_values(value, null, subject)
    for p, d in zip(found, value, strict=True):
        assert p == pytest.approx((1 + sum((one <= d).mean() for one in apart)) / 9, abs=1e-8)
    of_subjects = subject_p_values(value, own, null, subject)
    for k, size in enumerate(sizes):
        closest, p = value[own == k].min(), found[own == k].min()
        large = [one for one in apart if len(one) >= size]
        reached = [
            np.mean([min(some) <= closest for some in combinations(one, size)]) for one in large
        ]
        matched = (1 + sum(reached)) / (len(large) + 1)
        settled = min(1.0, size * p) if size / 9 <= 1 / (len(large) + 1) else matched
        assert of_subjects[k] == pytest.approx(settled, abs=1e-8)


SIDES = {
    "unequal sizes on both sides": (UNEQUAL * 6, UNEQUAL * 8),
    "one picture of each against five": ((1,) * 30, (5,) * 40),
    "five of each against one picture": ((5,) * 20, (1,) * 40),
    "few held-out subjects": (UNEQUAL * 4, (20, 1, 5, 2, 20, 20, 3, 20, 1, 20)),
}


@pytest.mark.parametrize("which", SIDES)
def test_what_no_model_knows_has_a_valid_p(which: str) -> None:
    """The null, of pictures and of subjects, whose pictures are nearly the same."""
    draws = np.random.default_rng(len(which))
    own_sizes, null_sizes = SIDES[which]
    of_pictures, of_subjects, named = [], [], {"pictures": 0, "subjects": 0}
    for _ in range(RUNS):
        # A split that draws whole subjects gives each side sizes of one law.
        if sorted(set(own_sizes)) == sorted(set(null_sizes)):
            both = draws.permutation([*own_sizes, *null_sizes])
            own_sizes, null_sizes = both[: len(own_sizes)], both[len(own_sizes) :]
        (value, own), (null, subject) = shown(draws, own_sizes), shown(draws, null_sizes)
        p = picture_p_values(value, null, subject)
        whole = subject_p_values(value, own, null, subject)
        of_pictures.append(p[draws.integers(len(p))] if len(set(own_sizes)) == 1 else p[0])
        of_subjects.append(whole[0])
        named["pictures"] += bool((q_values(p) <= 0.1).any())
        named["subjects"] += bool((q_values(whole) <= 0.1).any())
    for level in (0.02, 0.05, 0.1, 0.2):
        most = level + 3 * np.sqrt(level * (1 - level) / RUNS)
        assert np.mean(np.array(of_pictures) <= level) <= most, level
        assert np.mean(np.array(of_subjects) <= level) <= most, level
    most = 0.1 + 3 * np.sqrt(0.09 / RUNS)
    assert named["pictures"] / RUNS <= most
    assert named["subjects"] / RUNS <= most


def test_each_picture_by_itself_names_too_often() -> None:
    """What it is for: the same null, with each of five held-out pictures counted as a subject."""
    draws = np.random.default_rng(3)
    named = 0
    for _ in range(RUNS):
        value, (null, _) = draws.normal(size=30), shown(draws, (5,) * 60)
        named += bool((q_values(conformal_p_values(value, null)) <= 0.1).any())
    assert named / RUNS > 0.1 + 3 * np.sqrt(0.09 / RUNS)


@pytest.mark.parametrize("which", ["one of its pictures", "all of them"])
def test_a_subject_that_is_known_is_named(which: str) -> None:
    draws = np.random.default_rng(1)
    (value, own), (null, subject) = shown(draws, (5,) * 8), shown(draws, (5,) * 200)
    value[: 1 if which == "one of its pictures" else 5] = -9.0
    p, q = subjects_once(
        value, null, [None] * 40, [f"a {n}" for n in own], [f"b {n}" for n in subject]
    )
    assert sorted(set(own[q <= 0.05].tolist())) == [0]
    assert p[0] == pytest.approx(1 / 201)


def test_copies_count_once_and_failed_ones_nowhere() -> None:
    null, groups = np.linspace(0.2, 0.9, 19), ["a", "a", "b", "b", "c", None]
    value = np.array([0.1, 0.1, 0.5, np.nan, 0.1, np.nan])
    p, q = subjects_once(value, null, [None, 0, None, None, 0, None], groups, None)
    # The second picture of a, and the only one of c, are copies of the first.
    assert p[:2].tolist() == [1 / 20, 1 / 20]
    assert p[4] == p[0]
    assert np.isnan(p[[3, 5]]).all()
    assert np.isnan(q[[3, 5]]).all()
    for empty in (np.array([]), np.array([np.nan])):
        assert np.isnan(subjects_once(value, empty, [None] * 6, groups, None)).all()


def figures(value: Values, null: Values, *groups: list[str | None] | None) -> dict[str, float]:
    """The p-values that a verdict looks at."""
    found = closeness(
        *(value, null),
        measure="l2",
        direction="low",
        thresholds=(-1.6,),
        fprs=(0.1,),
        groups=(groups[0], groups[1]),
    )
    return {
        f"{one.statistic} {one.fpr or ''}": one.p_value
        for one in found
        if one.p_value is not None and one.split != "held_out"
    }


def test_figures_of_groups_of_one_are_those_of_before() -> None:
    draws = np.random.default_rng(2)
    value, null = draws.normal(size=50), draws.normal(size=60)
    alone = [f"one {n}" for n in range(60)]
    assert figures(value, null, alone[:50], alone) == figures(value, null, None, None)


def test_figures_count_subjects_beside_images() -> None:
    draws = np.random.default_rng(2)
    (value, own), (null, subject) = shown(draws, (5,) * 20), shown(draws, (4,) * 60)
    found = closeness(
        *(value, null),
        measure="l2",
        direction="low",
        thresholds=(-1.0,),
        fprs=(0.1,),
        groups=([f"a {n}" for n in own], [f"b {n}" for n in subject]),
    )
    (images,) = [one for one in found if one.statistic == "named"]
    (whole,) = [one for one in found if one.statistic == "named_subjects"]
    assert (images.n, whole.n, whole.unit) == (100, 20, "subjects")
    assert "60 held-out subjects" in str(images.note)
    (within,) = [one for one in found if one.statistic == "eidetic" and one.split != "null"][:1]
    assert within.count == int((value <= -1.0).sum())
    assert within.n == 100
    limits = [one for one in found if one.statistic == "threshold"]
    assert [one.n for one in limits] == [60]
