"""One figure from those of several seeds: right values, and intervals that cover."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from solidmark.runs import Figure
from solidmark.studies.combining import differences, over_seeds, tells_apart


def share(count: int, n: int = 64, split: str = "first", chance: float | None = None) -> Figure:
    return Figure(
        measure="study",
        statistic="hit",
        split=split,
        unit="share",
        value=count / n,
        count=count,
        n=n,
        chance=chance,
    )


def number(value: float | None, split: str = "first", half: float | None = None) -> Figure:
    ends = (
        {} if half is None or value is None else {"ci_low": value - half, "ci_high": value + half}
    )
    return Figure(measure="study", statistic="z", split=split, unit="z", value=value, **ends)


def test_the_interval_is_students_where_seeds_differ() -> None:
    values = [1.0, 4.0, 5.5]
    found = over_seeds([number(value) for value in values])
    low, high = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert (found.value, found.ci_low, found.ci_high) == pytest.approx((3.5, low, high))
    assert found.facts["seeds"] == 3


def test_seeds_that_agree_leave_what_is_known_within_them() -> None:
    found = over_seeds([share(64)] * 3)
    low, high = stats.binomtest(192, 192).proportion_ci(0.95, "exact")
    assert (found.ci_low, found.ci_high) == pytest.approx((low, high))
    assert (found.count, found.n, found.value) == (192, 192, 1.0)
    alike = over_seeds([number(2.0, half=0.3)] * 4)
    assert alike.interval == pytest.approx((2 - 0.15, 2 + 0.15))


def test_a_seed_without_a_value_is_missing_and_said() -> None:
    found = over_seeds([share(10), Figure(measure="study", statistic="hit", split="first")])
    assert (found.facts["seeds"], found.n) == (1, 64)
    none = over_seeds([number(None), number(None)])
    assert (none.value, none.facts["seeds"]) == (None, 0)
    assert over_seeds([number(1.0)]).interval is None, "one seed says nothing of the others"


def test_a_difference_is_paired_by_seed() -> None:
    first = [number(v) for v in (1.0, 5.0, 9.0)]
    second = [number(v, "second") for v in (2.0, 6.5, 10.0)]
    found = differences(first, second)
    assert found is not None
    assert (found.other, found.split) == ("first", "second")
    test = stats.ttest_rel([2.0, 6.5, 10.0], [1.0, 5.0, 9.0])
    assert (found.value, found.p_value) == pytest.approx((7 / 6, test.pvalue))
    assert found.interval == pytest.approx(tuple(test.confidence_interval()))
    assert differences(first, [number(None)] * 3) is None


@pytest.mark.parametrize("rate", [0.02, 0.5, 0.98])
@pytest.mark.parametrize("seeds", [3, 5])
def test_arms_that_are_alike_are_rarely_told_apart(rate: float, seeds: int) -> None:
    """The null, 1,000 times: two arms of the same share; 5 % may be told apart, and 4 errors."""
    random, told, runs = np.random.default_rng(1), 0, 1000
    for _ in range(runs):
        drawn = random.binomial(64, rate, (2, seeds))
        found = differences(
            [share(int(count)) for count in drawn[0]],
            [share(int(count), split="second") for count in drawn[1]],
        )
        assert found is not None
        told += tells_apart(found, arms=1)
    assert told / runs <= 0.05 + 4 * np.sqrt(0.05 * 0.95 / runs)


def test_intervals_over_seeds_cover_the_truth() -> None:
    """Seeds that differ (beta) and images within them: 95 % is covered, but for 4 errors."""
    random, covered, runs = np.random.default_rng(2), 0, 1000
    for _ in range(runs):
        counts = random.binomial(64, random.beta(8, 12, size=3))
        found = over_seeds([share(int(count)) for count in counts])
        assert found.interval is not None
        covered += found.interval[0] <= 0.4 <= found.interval[1]
    assert covered / runs >= 0.95 - 4 * np.sqrt(0.05 * 0.95 / runs)


def test_more_arms_share_the_level() -> None:
    one = number(1.0, "second")
    found = replace(one, other="first", ci_low=0.1, ci_high=1.9, p_value=0.02)
    assert tells_apart(found, arms=1)
    assert not tells_apart(found, arms=5)
