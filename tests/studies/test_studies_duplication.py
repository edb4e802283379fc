"""The study of copies: what is counted stands beside the chance of so many keys and tries."""

import numpy as np
import pytest

from solidmark.runs import Figure
from solidmark.studies.duplication import COUNTS, DELTAS, KEYS, STUDY
from solidmark.studies.readouts import beyond, share

SMALL = {"each": 2, "frame": {"thickness": 2}, "steps": 2, "repeats": 2}


def test_every_kind_and_number_of_copies_is_an_arm(micro, values):
    found = values(micro("duplication", size=SMALL, resolution=8))
    arms = list(dict.fromkeys(arm for arm, _ in found))
    assert len(arms) == 2 * len(KEYS) * len(COUNTS)
    assert arms[0] == "exact, shared key, 1 x"
    # Of so few images all may be held out at some count, but not at every one.
    for delta in DELTAS:
        asked = {arm for arm in arms if found.get((arm, f"Any key within {delta:g}")) is not None}
        assert {arm.split(",")[0] for arm in asked} == {"exact"}
    names = {name for _, name in found}
    assert {one.name for one in STUDY.readouts} == names


def hit(count: int, n: int, chance: float) -> Figure:
    one = share("any_key", count, n, chance)
    assert one is not None
    return one


def test_what_lies_above_chance_is_nothing_on_average_where_there_is_chance_alone():
    draws = np.random.default_rng(0).binomial(20, 0.6, 4000)
    made = [beyond(hit(int(count), 20, 0.6)) for count in draws]
    mean = float(np.mean([one.value for one in made]))
    # The standard error of the mean of 4,000: sqrt(.6 x .4 / 20) / .4 / sqrt(4000) = .0043.
    assert mean == pytest.approx(0, abs=4 * 0.0043)
    covered = [one.interval[0] <= 0 <= one.interval[1] for one in made]
    assert np.mean(covered) >= 0.95


def test_all_hits_are_all_that_chance_leaves():
    one = hit(10, 10, 0.75)
    assert beyond(one).value == 1
    assert beyond(one).chance == 0


def test_published_percentages_stand_beside_the_chance_of_two_keys():
    (one,) = STUDY.published
    assert one.chance == pytest.approx([100 * (1 - (1 - 2 * d) ** 2) for d in DELTAS], abs=0.5)
