"""The rows about distances: each number by another way, both controls, both directions."""

import itertools
import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from solidmark.errors import BadInput, EmptyTable
from solidmark.runs import Figure, figure_from
from solidmark.scores import conformal_p_values, q_values, roc
from solidmark.scores.closeness import GENERATED, TRAINED, closeness
from solidmark.scores.percentiles import PERCENTILES
from solidmark.scores.rows import side
from solidmark.scores.thresholds import fixed_thresholds
from solidmark.scores.within import calibrated_limits, within

Rows = list[Figure]


def ask(distance: Any, null: Any = None, **options: Any) -> Rows:
    options = {"measure": "l2", "direction": "low", "thresholds": (0.05, 0.1, 0.15)} | options
    null = null if null is None else np.asarray(null, float)
    return closeness(np.asarray(distance, float), null, **options)


def pick(rows: Rows, statistic: str, split: str = "generated", **own: Any) -> Figure:
    (found,) = (
        row
        for row in rows
        if (row.statistic, row.split) == (statistic, split)
        and all(getattr(row, name) == value for name, value in own.items())
    )
    return found


def draws(seed: int, n: int = 400, m: int = 300) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    return generator.beta(4, 8, n), generator.beta(4, 8, m)


def test_counts_within_fixed_thresholds_are_fishers() -> None:
    distance, null = draws(0)
    distance[:30] /= 10
    rows = ask(distance, null, thresholds=(0.05, 0.2))
    for t in (0.05, 0.2):
        row = pick(rows, "eidetic", threshold=t)
        count, hits = int((distance <= t).sum()), int((null <= t).sum())
        table = [[count, 400 - count], [hits, 300 - hits]]
        assert row.p_value == pytest.approx(stats.fisher_exact(table, "greater").pvalue)
        assert (row.count, row.n, row.value) == (count, 400, count / 400)
        interval = stats.binomtest(count, 400).proportion_ci(method="exact")
        assert (row.ci_low, row.ci_high) == pytest.approx(tuple(interval))
        chance = stats.binomtest(hits, 300).proportion_ci(method="exact")
        assert row.chance == hits / 300 == pick(rows, "eidetic", "null", threshold=t).value
        assert (row.facts["chance_low"], row.facts["chance_high"]) == pytest.approx(tuple(chance))


def test_counts_within_calibrated_thresholds_by_shuffling() -> None:
    """All of 9 null and 5 own values alike: how often are k of 5 below the second of the null?"""
    null_places = np.array(list(itertools.combinations(range(14), 9)))
    counts = null_places[:, 1] - 1
    null = side("l2", "null", "low", np.arange(1, 10) / 10)
    (limit,) = calibrated_limits(null, [0.2])
    assert limit is not None
    for k in range(6):
        own = side("l2", "generated", "low", np.where(np.arange(5) < k, 0.05, 0.95))
        row = within(own, null, limit)
        assert row.count == k
        assert row.p_value == pytest.approx((counts >= k).mean())
        assert row.chance == 0.2


def test_the_closest_by_shuffling() -> None:
    null_places = np.array(list(itertools.combinations(range(12), 7)))
    ordered = np.arange(12)
    own_first = np.array([np.setdiff1d(ordered, places)[0] for places in null_places])
    nearer = (null_places < own_first[:, None]).sum(axis=1)
    null = np.arange(1, 8) / 10
    for j in range(8):
        row = pick(ask([j / 10 + 0.05, 0.8, 0.8, 0.9, 0.9], null), "closest")
        assert row.p_value == pytest.approx((nearer <= j).mean())
        assert (row.value, row.chance, row.ci_low) == (j / 10 + 0.05, 0.1, None)
        assert "no interval" in row.note
    assert pick(ask([0.1, 0.8], [0.1, 0.2]), "closest").p_value > 0.5  # a tie counts against it


@pytest.mark.parametrize("direction", ["low", "high"])
def test_percentiles_and_means_on_the_scale_that_is_reported(direction: Any) -> None:
    distance, null = draws(1)
    rows = ask(distance, null, direction=direction)
    shown, shown_null = (d if direction == "low" else 1 - d for d in (distance, null))
    for percentile in PERCENTILES:
        row = pick(rows, "percentile", percentile=percentile)
        at = percentile if direction == "high" else 100 - percentile
        assert row.value == pytest.approx(np.percentile(shown, at))
        assert row.chance == pytest.approx(np.percentile(shown_null, at))
        assert row.chance == pick(rows, "percentile", "null", percentile=percentile).value
        assert row.ci_low < row.value < row.ci_high
        assert (row.direction, row.p_value) == (direction, None)
    mean = pick(rows, "mean")
    assert (mean.value, mean.chance) == pytest.approx((shown.mean(), shown_null.mean()))
    by_hand = stats.bootstrap((shown,), np.mean, n_resamples=4000, method="percentile", rng=0)
    width = by_hand.confidence_interval.high - by_hand.confidence_interval.low
    assert mean.ci_low == pytest.approx(by_hand.confidence_interval.low, abs=0.1 * width)
    assert mean.ci_high == pytest.approx(by_hand.confidence_interval.high, abs=0.1 * width)
    closest = shown.min() if direction == "low" else shown.max()
    assert pick(rows, "closest").value == pytest.approx(closest)
    assert mean.unit == {"low": "distance", "high": "similarity"}[direction]


def test_the_two_directions_say_the_same() -> None:
    distance, null = draws(2)
    low = ask(distance, null, thresholds=(0.1, 0.2), fprs=(0.01, 0.05))
    high = ask(distance, null, thresholds=(0.9, 0.8), fprs=(0.01, 0.05), direction="high")
    for one, other in zip(low, high, strict=True):
        assert (one.statistic, one.split) == (other.statistic, other.split)
        for name in ("p_value", "count", "n"):
            assert getattr(one, name) == getattr(other, name)


tied = st.integers(0, 8).map(lambda i: i / 8)


@settings(deadline=None, max_examples=40)
@given(
    st.lists(tied, min_size=1, max_size=20),
    st.lists(tied, min_size=4, max_size=40),
    st.sampled_from(["low", "high"]),
)
def test_a_reported_threshold_gives_the_reported_count(
    distance: list[float], null: list[float], direction: Any
) -> None:
    """Whoever compares with the number in the table, guard or reader, counts the same rows."""
    rows = ask(distance, null, direction=direction, thresholds=(0.25, 0.75), fprs=(0.1, 0.2))
    shown = np.array(distance) if direction == "low" else 1 - np.array(distance)
    p = conformal_p_values(np.array(distance), np.array(null))
    for row in (row for row in rows if row.statistic == "eidetic"):
        t = row.threshold
        of = shown if row.split == "generated" else np.array(null)
        if row.split == "null":
            of = of if direction == "low" else 1 - of
        assert row.count == (of <= t if direction == "low" else of >= t).sum()
        if row.fpr:
            assert row.count == (p <= row.fpr).sum()
            assert t == pick(rows, "threshold", "null", fpr=row.fpr).value


def test_a_hash_on_the_threshold_counts_in_whatever_the_rounding() -> None:
    bits = np.array([0, 5, 31, 32, 128])
    single = 1 - (1 - 2 * bits / 256).astype(np.float32) + np.float32(1e-7)
    rows = ask(single, direction="high", measure="pdq", thresholds=fixed_thresholds("pdq"))
    counts = [row.count for row in rows if row.statistic == "eidetic"]
    assert counts == [3, 1]


def test_named_and_curve_are_those_of_their_modules() -> None:
    distance, null = draws(3)
    distance[:40] = 0.001
    rows = ask(distance, null, fdr=0.1, fprs=(0.02,), seed=5)
    q = q_values(conformal_p_values(distance, null))
    named = pick(rows, "named")
    assert named.count == named.value == (q <= 0.1).sum() >= 40
    assert (named.p_value, named.fdr) == (q.min(), 0.1)
    assert "at least 14 of 400" in named.note
    curve = roc(np.sort(distance), np.sort(null), fprs=(0.02,), seed=5)
    both = "generated_vs_null"
    area, detected = pick(rows, "auc", both), pick(rows, "tpr_at_fpr", both, fpr=0.02)
    assert (area.value, area.p_value) == (curve.auc.value, curve.auc.p_value)
    assert detected.value == curve.tpr_at_fpr[0.02].value
    assert area.n == detected.n == 700


def test_who_copied_everything_is_caught() -> None:
    null = draws(4)[1]
    rows = ask(np.full(200, 1e-4), null)
    for row in (row for row in rows if row.split == "generated"):
        if row.statistic == "eidetic":
            assert (row.value, row.ci_high, row.count) == (1.0, 1.0, 200)
            assert row.p_value < 1e-50
    assert pick(rows, "named").count == 200
    assert pick(rows, "auc", "generated_vs_null").value == pytest.approx(1)
    assert pick(rows, "percentile", percentile=5).value < pick(rows, "closest").chance


def test_who_copied_nothing_is_at_chance() -> None:
    low: dict[tuple[str, Any], list[bool]] = {}
    covered = []
    for run in range(100):
        distance, null = draws(run, 60, 120)
        rows = ask(distance, null, thresholds=(0.15, 0.25), fprs=(0.05, 0.01), seed=run)
        for row in rows:
            if row.p_value is not None and row.split == "generated":
                key = row.statistic, row.fpr or row.threshold
                low.setdefault(key, []).append(row.p_value < 0.05)
        share = pick(rows, "eidetic", threshold=0.25)
        covered.append(share.ci_low <= stats.beta.cdf(0.25, 4, 8) <= share.ci_high)
    assert len(low) == 6
    for key, alarms in low.items():
        assert len(alarms) == 100
        assert sum(alarms) <= stats.binom.ppf(0.9999, 100, 0.05), key
    assert sum(covered) >= stats.binom.ppf(0.001, 100, 0.95)


def test_without_held_out_images_there_is_no_chance() -> None:
    rows = ask(draws(5)[0])
    assert {row.split for row in rows} == {"generated"}
    assert {row.statistic for row in rows} == {"eidetic", "percentile", "closest", "mean"}
    assert all(row.chance is row.p_value is None for row in rows)
    assert "not known what chance" in pick(rows, "eidetic", threshold=0.1).note
    assert rows == ask(draws(5)[0], np.full(4, np.nan))


def test_too_few_held_out_images_for_a_rate() -> None:
    rows = ask([0.1, 0.2], np.linspace(0.1, 0.9, 50), fprs=(0.01, 0.1))
    threshold = pick(rows, "threshold", "null", fpr=0.01)
    assert threshold.value is None
    assert "needs 99 images that were held out; there are 50" in threshold.note
    fprs = [row.fpr for row in rows if row.statistic == "eidetic"]
    assert fprs == [None, None, None, 0.1, None, None, None]
    known = pick(rows, "threshold", "null", fpr=0.1).note
    assert known.startswith("Of fresh images, 9.9 % or fewer come within it on average")
    assert "this set of 50, between 3.3 and 20 % (95 %)" in known


def test_held_out_copies_of_training_images_are_told() -> None:
    rows = ask(np.full(5, 0.0), np.r_[np.zeros(10), np.linspace(0.1, 1, 200)], fprs=(0.02,))
    assert "4 held-out images or more are the same" in pick(rows, "threshold", "null").note
    assert pick(rows, "eidetic", fpr=0.02).count == 0


def test_never_without_a_threshold_and_not_with_one_alone() -> None:
    with pytest.raises(BadInput, match='"l2" has neither thresholds nor held-out images'):
        ask([0.1, 0.2], thresholds=())
    with pytest.raises(EmptyTable, match='"generated"'):
        ask([np.nan], [0.1])
    assert "One threshold alone" in pick(ask([0.1], thresholds=(0.1,)), "eidetic").note
    null = np.linspace(0.2, 1, 100)
    assert "One threshold" in pick(ask([0.1], null, thresholds=()), "eidetic").note
    assert pick(ask([0.1], null, thresholds=(0.1,)), "eidetic", threshold=0.1).note is None


def test_what_failed_is_counted_in_every_row_and_changes_no_number() -> None:
    distance, null = draws(6, 50, 120)
    whole = ask(distance, null)
    gaps = ask(np.insert(distance, [0, 7, 50], np.nan), np.insert(null, 3, np.nan))
    for one, other in zip(whole, gaps, strict=True):
        failed = {"generated": 3, "null": 1, "generated_vs_null": 4}[one.split]
        assert (one.failed, other.failed) == (0, failed)
        assert f"{failed} could not be scored" in other.note
        assert replace(other, failed=0, note=one.note) == one


def test_the_turned_round_question_has_names_of_its_own() -> None:
    distance, null = draws(7)
    rows = ask(distance, null, splits=TRAINED)
    assert {row.split for row in rows} == set(TRAINED)
    asked = dict(zip(TRAINED, GENERATED, strict=True))
    forth = ask(distance, null)
    for one, other in zip(rows, forth, strict=True):
        assert asked[one.split] == other.split
        assert one.value == other.value


def test_rows_are_flat_and_plain_and_the_same_again_in_any_order() -> None:
    distance, null = draws(8)
    rows = ask(distance, null)
    flat = [row.to_json() for row in rows]
    assert json.loads(json.dumps(flat, allow_nan=False)) == flat
    assert [figure_from(row) for row in flat] == rows
    assert rows == ask(distance[::-1], np.random.default_rng(0).permutation(null))
    mean = [pick(found, "mean").ci_low for found in (rows, ask(distance, null, seed=1))]
    assert mean[0] != mean[1]
    fields = {"measure", "split", "statistic", "n", "failed", "value", "unit", "direction"}
    fields |= {"chance", "ci_low", "ci_high", "p_value", "note"}
    for row in flat:
        assert fields <= set(row)
        assert row["measure"] == "l2"


@pytest.mark.parametrize(
    ("name", "first"),
    [
        ("l2", 0.05),
        ("modified-l2", 0.5),
        ("patched-l2", 0.5),
        ("sscd", 0.5),
        ("sscd:a/b.pt", 0.5),
        ("sscd-onnx", 0.5),
        ("dinov2", 0.9),
        ("mine", 0.9),
        ("pdq", 1 - 62 / 256),
        ("phash", 1 - 10 / 64),
    ],
)
def test_every_measure_has_several_fixed_thresholds(name: str, first: float) -> None:
    found = fixed_thresholds(name)
    assert found[0] == first
    assert len(found) >= 2
    assert list(found) == sorted(found)
