"""Trained against held-out: against scikit-learn, by hand, and at chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve

from solidmark.errors import EmptyTable
from solidmark.scores import Estimate, Roc, p_values, roc
from solidmark.scores.roc import _curve, _detection_p, _Sides

tied = st.lists(st.integers(0, 12).map(lambda i: i / 12), min_size=1, max_size=30)


def sides(trained: list[float], held_out: list[float]) -> _Sides:
    codes = np.arange(len(trained)), np.arange(len(held_out))
    return _Sides(np.array(trained), np.sort(held_out), *codes)


@settings(deadline=None, max_examples=50)
@given(tied, tied, st.sampled_from([0.0, 0.05, 0.3, 0.5, 0.99]))
def test_area_and_detections_are_scikit_learns(
    trained: list[float], held_out: list[float], fpr: float
) -> None:
    both, ones = sides(trained, held_out), (np.ones((1, len(trained))), np.ones((1, len(held_out))))
    label, score = [1] * len(trained) + [0] * len(held_out), -np.array(trained + held_out)
    false, true, _ = roc_curve(label, score, drop_intermediate=False)
    area, detected = _curve(both, *ones, [fpr])[:, 0]
    assert area == pytest.approx(roc_auc_score(label, score))
    assert detected == pytest.approx(true[false <= fpr + 1e-9].max())


@settings(deadline=None, max_examples=20)
@given(st.lists(st.integers(0, 3), min_size=6, max_size=6), st.randoms())
def test_a_weight_is_a_repeated_row(weights: list[int], random: object) -> None:
    trained, held_out = [0.1, 0.2, 0.2], [0.2, 0.3, 0.6]
    weights = [weight + (index % 3 == 0) for index, weight in enumerate(weights)]
    both = sides(trained, held_out)
    weighted = _curve(both, np.array([weights[:3]]), np.array([weights[3:]]), [0.4])
    rows = sides(list(np.repeat(trained, weights[:3])), list(np.repeat(held_out, weights[3:])))
    ones = np.ones((1, len(rows.trained))), np.ones((1, len(rows.held_out)))
    np.testing.assert_allclose(weighted, _curve(rows, *ones, [0.4]))


def test_the_p_values_are_scipys_and_exact() -> None:
    generator = np.random.default_rng(0)
    trained, held_out = generator.beta(1, 2, 60), generator.random(100)
    found = roc(trained, held_out)
    reference = stats.mannwhitneyu(trained, held_out, alternative="less")
    assert found.auc.p_value == reference.pvalue
    assert found.auc.value == pytest.approx(1 - reference.statistic / 6000)


def test_the_chance_of_detections_by_shuffling() -> None:
    generator = np.random.default_rng(1)
    counts = []
    for _ in range(20_000):
        held_out = np.sort(generator.permutation(30)[:20])
        counts.append(held_out[2] - 2)  # trained rows below the third held-out row
    for detected in (1, 3, 5):
        both = sides(list(np.zeros(10)), list(np.ones(20)))
        p = _detection_p(both, 0.1, detected / 10)
        seen = np.mean(np.array(counts) >= detected)
        assert p == pytest.approx(seen, abs=4 * np.sqrt(p / 20_000))
    assert _detection_p(both, 0.1, 0.0) == 1.0


def test_a_perfect_separation_is_not_certain() -> None:
    found = roc(np.full(30, 0.01), np.linspace(0.2, 0.9, 100))
    assert found.auc.value == found.tpr_at_fpr[0.01].value == 1.0
    assert found.auc.ci_high == 1.0
    low = stats.binomtest(30, 30).proportion_ci(method="exact").low
    assert found.auc.ci_low == pytest.approx(low)
    assert found.tpr_at_fpr[0.01].ci_low == pytest.approx(low)
    assert found.auc.p_value < 1e-12
    assert found.tpr_at_fpr[0.01].p_value < 1e-12


def test_all_alike_is_chance() -> None:
    found = roc(np.full(10, 0.5), np.full(200, 0.5))
    assert (found.auc.value, found.auc.p_value) == (0.5, 1.0)
    assert (found.tpr_at_fpr[0.01].value, found.tpr_at_fpr[0.01].p_value) == (0.0, 1.0)


@pytest.mark.parametrize(("held_out", "resolved"), [(99, []), (100, [0.01]), (1000, [0.01, 0.001])])
def test_a_rate_needs_images_to_show_it(held_out: int, resolved: list[float]) -> None:
    generator = np.random.default_rng(3)
    found = roc(generator.random(20), generator.random(held_out)).tpr_at_fpr
    for fpr, estimate in found.items():
        if fpr in resolved:
            assert estimate.ci_low <= estimate.value <= estimate.ci_high
            assert estimate.note is None
        else:
            needed = {0.01: "100", 0.001: "1,000"}[fpr]
            assert estimate == Estimate(note=estimate.note)
            assert f"needs {needed} held-out" in str(estimate.note)


def test_repeats_do_not_resolve_a_rate() -> None:
    names = [str(i // 2) for i in range(150)]
    distance = np.random.default_rng(3).random(150)
    assert roc(distance, distance, names, names).tpr_at_fpr[0.01].value is None


def at_chance(run: int, repeats: int) -> Roc:
    generator = np.random.default_rng(run)
    groups = np.repeat(np.arange(130), repeats)
    distance = generator.random(130)[groups] + 0.01 * generator.random(len(groups))
    names = [str(group) for group in groups]
    cut = 30 * repeats
    return roc(distance[:cut], distance[cut:], names[:cut], names[cut:], seed=run)


@pytest.mark.parametrize("repeats", [1, 3])
def test_at_chance_p_values_and_intervals_hold(repeats: int) -> None:
    runs = [at_chance(run, repeats) for run in range(100)]
    false_alarms = sum(found.auc.p_value < 0.05 for found in runs)
    assert false_alarms <= stats.binom.ppf(0.9999, 100, 0.05)
    covered = sum(found.auc.ci_low <= 0.5 <= found.auc.ci_high for found in runs)
    assert covered >= 87
    noted = {found.tpr_at_fpr[0.01].note for found in runs}
    assert noted == ({None} if repeats == 1 else {"No p-value: rows share keys."})


def test_same_seed_same_interval() -> None:
    trained, held_out = np.random.default_rng(0).random((2, 200))
    assert roc(trained, held_out, seed=4) == roc(trained, held_out, seed=4)
    assert roc(trained, held_out, seed=4).auc != roc(trained, held_out, seed=5).auc


def test_one_side_missing() -> None:
    with pytest.raises(EmptyTable):
        roc(np.empty(0), np.ones(3))


def test_distances_would_see_memory_where_p_values_see_none() -> None:
    """Estimates of the two sides lie in different places, no key is known: the area must be 1/2."""
    generator = np.random.default_rng(2)
    keys = generator.integers(0, 256, (4000, 1)) / 255
    read = np.where(np.arange(4000)[:, None] < 2000, 0.5, 0.0) + generator.random((4000, 1)) / 100
    distance = np.abs(keys - read)[:, 0]
    p_value = p_values(distance, read)
    assert roc(distance[:2000], distance[2000:]).auc.p_value < 1e-6
    assert roc(p_value[:2000], p_value[2000:]).auc.value == pytest.approx(0.5, abs=0.03)
