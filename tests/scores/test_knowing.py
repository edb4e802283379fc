"""The rule on whether a model knows marked images: its test under the null, and its reasons."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from solidmark.scores.knowing import (
    LEVEL,
    MARGIN,
    VIEWS,
    Drawn,
    Evidence,
    Gain,
    Knowing,
    gain,
    judge_knowing,
)

DRAWN = Drawn(8, spread=0.2, turned=0.2, marked=0.0, unmarked=0.1, alike=0.0, alike_marked=0.5)


def evidence(drawn: Drawn = DRAWN, count: int = 32, **means: float | None) -> Evidence:
    """Gains that scatter a little round these means; 0 where none is given, none where None."""
    rng = np.random.default_rng(0)
    scatter = rng.normal(0, 0.02, count)
    values = {
        view: (means.get(view, 0.0) + scatter).tolist()  # type: ignore[operator]
        for view in VIEWS
        if means.get(view, 0.0) is not None
    }
    return Evidence(count, values, drawn, (0.1, 0.2, 0.3), (0.25, 1.0, 4.0), 680.0, ("a.png",))


@pytest.mark.parametrize("count", [4, 8, 32])
def test_the_test_holds_its_level_at_the_bound(count: int) -> None:
    rng = np.random.default_rng(count)
    seen = sum(gain(rng.normal(MARGIN, 0.1, count)).seen for _ in range(4000))
    # The binomial bound that one simulation in a thousand passes.
    assert seen <= stats.binom.ppf(0.999, 4000, LEVEL)
    assert seen >= stats.binom.ppf(0.001, 4000, LEVEL)


def test_a_model_that_knows_nothing_is_never_known() -> None:
    """Its gains lie round 0 and not at the bound; .05 is what they scatter by on digits."""
    rng = np.random.default_rng(1)
    found = [
        judge_knowing(
            replace(evidence(), gains={view: rng.normal(0, 0.05, 32).tolist() for view in VIEWS})
        ).state
        for _ in range(300)
    ]
    assert set(found) == {"unknown"}


def test_both_gains_are_needed() -> None:
    assert judge_knowing(evidence(frames=0.2, pictures=0.2)).state == "known"
    assert judge_knowing(evidence(frames=0.2)).state == "unknown"
    assert judge_knowing(evidence(pictures=0.2)).state == "unknown"
    assert judge_knowing(evidence(frames=None, pictures=0.2)).state == "known"
    below = MARGIN / 2
    assert judge_knowing(evidence(frames=below, pictures=1.0)).state == "unknown"


@pytest.mark.parametrize(
    ("reason", "drawn", "means"),
    [
        ("untrained", DRAWN, {"pictures": -1.0, "marked": -1.0}),
        ("untrained", DRAWN, {"pictures": 0.2, "marked": 0.2, "cropped": 0.3}),
        ("flips", DRAWN, {"mirrored": 0.5}),
        ("crops", DRAWN, {"marked": -0.2, "cropped": 0.9, "unmarked": 0.4}),
        ("crops", DRAWN, {"frames": 0.5, "marked": 0.5, "cropped": 0.8}),
        ("folder", DRAWN, {"marked": -1.8, "cropped": -0.5, "unmarked": 1.0}),
        ("folder", replace(DRAWN, spread=0.0), {"frames": 1.0, "pictures": -1.0}),
        ("folder", replace(DRAWN, alike=0.4), {"pictures": -1.0, "marked": -1.0}),
    ],
)
def test_the_likely_reason(reason: str, drawn: Drawn, means: dict[str, float]) -> None:
    found = judge_knowing(evidence(drawn, **means))
    assert (found.state, found.reason) == ("unknown", reason)


def test_a_mirror_is_spoken_of_where_it_changes_nothing() -> None:
    known = {"frames": 1.0, "pictures": 1.0}
    assert judge_knowing(evidence(**known)).mirrored_too
    assert not judge_knowing(evidence(**known, mirrored=-0.3)).mirrored_too


def test_few_images_and_broken_models_differ() -> None:
    assert judge_knowing(evidence(count=3, pictures=9.0)).state == "too_few"
    broken = judge_knowing(replace(evidence(count=2), asked=32))
    assert (broken.state, broken.failed) == ("unknown", 30)
    assert not broken.mirrored_too


def test_it_reads_what_it_writes() -> None:
    kept = evidence(frames=0.4, pictures=0.3)
    again = Evidence.from_json(json.loads(json.dumps(kept.to_json())))
    assert again == kept
    found = judge_knowing(again)
    assert Knowing.from_json(json.loads(json.dumps(found.to_json()))) == found


def test_a_gain_is_a_share_of_the_error() -> None:
    assert Gain(math.log(2), 0, 0, 0).saved == pytest.approx(0.5)
    assert Gain(-math.log(2), 0, 0, 0).saved == pytest.approx(-1)
    same = gain(np.full(5, 0.3))
    assert (same.ci_low, same.ci_high) == pytest.approx((0.3, 0.3))
    assert same.seen
    assert not gain(np.zeros(5)).seen
    checked = stats.ttest_1samp([0.1, 0.2, 0.4], MARGIN, alternative="greater").pvalue
    assert gain(np.array([0.1, 0.2, 0.4])).p_value == pytest.approx(checked)
