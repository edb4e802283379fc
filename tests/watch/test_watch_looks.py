"""Looking often costs no false alarms: 500 trainings in which nothing is memorized, at the scores.

No network is asked. The readings of a training wander from look to look, so that its looks depend
on one another, and the keys know nothing of them.
"""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
from scipy.stats import binom

from solidmark.runs import Figure, Verdict
from solidmark.scores import Exchange, level_of, p_values, q_values
from solidmark.scores.exchange import DRAWS
from solidmark.scores.level import ALPHA, HINT, shares_of
from solidmark.scores.parts import pools_of_rows
from solidmark.verdicts import judge_keys
from solidmark.verdicts.watched import judge_watch

TRAININGS, LOOKS, IMAGES, KEYS = 500, 6, 8, 2


def figures(p_all: float, p_best: float) -> list[Figure]:
    """What the judge decides on: both tests of the trained images, and a reference that is read."""
    found = []
    for split, both in (("trained", (p_all, p_best)), ("ceiling", (1e-4, 1e-9))):
        about = {"measure": "solidmark", "reader": "blend", "split": split, "n": IMAGES}
        found += [
            Figure(**about, statistic="eidetic", value=0.0, count=0, delta=0.05, keys=KEYS),
            Figure(**about, statistic="permutation_z", value=0.0, p_value=both[0]),
            Figure(**about, statistic="named", value=0, count=0, p_value=both[1], keys=KEYS),
            Figure(**about, statistic="smallest_share", value=0.1, by="best"),
        ]
    return found


def training(seed: int) -> Iterator[tuple[float, float]]:
    """The p-values of both tests at each look of a training that memorizes nothing."""
    rng = np.random.default_rng(seed)
    keys = rng.integers(256, size=(IMAGES, KEYS)) / 255
    names, peers = [str(number) for number in range(IMAGES)], [0] * IMAGES
    pools = pools_of_rows(names, keys, peers)
    read = rng.random(keys.shape)
    for look in range(1, LOOKS + 1):
        read = np.clip(read + 0.2 * rng.standard_normal(keys.shape), 0, 1)
        z = Exchange(read, names, peers, pools, seed).z(level_of(shares_of(look)))
        assert z.p_value is not None
        best = q_values(p_values(np.abs(keys - read).mean(axis=1), read)).min()
        yield z.p_value, float(best)


def test_trainings_without_memory_are_called_memorized_once_in_a_hundred_at_most() -> None:
    shared, alone = Counter[str](), Counter[str]()
    for seed in range(TRAININGS):
        found = list(training(seed))
        corrected = [judge_keys(figures(*p), look=k) for k, p in enumerate(found, 1)]
        shared[judge_watch(list(enumerate(corrected, 1)), "step").state] += 1
        plain = [judge_keys(figures(*p)) for p in found]
        alone[judge_watch(list(enumerate(plain, 1)), "step").state] += 1
    said = [tally["memorized"] + tally["hint"] for tally in (shared, alone)]
    assert shared["memorized"] <= binom.ppf(0.999, TRAININGS, ALPHA)
    assert said[0] <= binom.ppf(0.999, TRAININGS, HINT)
    assert said[1] > binom.ppf(0.999, TRAININGS, HINT)  # What looking often does by itself.


def test_all_parts_of_the_level_are_the_level() -> None:
    parts = [1 / shares_of(look) for look in range(1, 10_000)]
    assert sum(parts) < 1
    assert sum(parts) == pytest.approx(1, abs=1e-3)
    assert shares_of(None) == 1


def test_the_test_of_all_images_reaches_the_level_of_a_late_look() -> None:
    keys = np.arange(24)[:, None] / 23
    names, peers = [str(number) for number in range(24)], [0] * 24
    exchange = Exchange(keys, names, peers, pools_of_rows(names, keys, peers))
    level = level_of(shares_of(30))
    assert exchange.z().p_value == 1 / (DRAWS + 1) > level
    assert exchange.z(level).p_value == pytest.approx(level / 2, rel=1e-3)


def verdict(state: str) -> Verdict:
    return Verdict(state, f"It is {state}.", state)


@pytest.mark.parametrize(
    ("states", "state", "headline"),
    [
        (["not-seen", "memorized", "not-seen"], "memorized", "First seen at step 20: It is memor"),
        (["hint", "not-seen"], "hint", "At step 10: It is hint."),
        (["cannot-be-judged", "not-seen"], "not-seen", "Up to step 20: It is not-seen."),
        (["memorized", "do-not-trust"], "do-not-trust", "At step 20: It is do-not-trust."),
        ([], "failed", "Nothing was looked at yet."),
    ],
)
def test_the_verdict_of_a_training(states: list[str], state: str, headline: str) -> None:
    found = judge_watch([(10 * k, verdict(one)) for k, one in enumerate(states, 1)], "step")
    assert found.state == state
    assert found.headline.startswith(headline)
