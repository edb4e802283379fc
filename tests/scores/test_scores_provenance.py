"""Was a set used? Exact where it was not, able where it was, and never the wrong way round."""

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.stats import mannwhitneyu, norm
from sklearn.metrics import roc_auc_score
from sklearn.preprocessing import StandardScaler

from solidmark.errors import EmptyTable
from solidmark.scores import provenance
from solidmark.scores.provenance import (
    LEAST,
    enough,
    least_used,
    needed,
    smallest_share,
    trace_of,
    weigh,
)


def halves(n: int, m: int) -> np.ndarray:
    return np.arange(n + m) < n


def signals(rng: np.random.Generator, count: int, shared: float = 0.6) -> np.ndarray:
    """Four signals that agree, as those of one model do: of heavy tails, each in a unit of its
    own."""
    common = rng.normal(size=(count, 1))
    rows = np.sqrt(shared) * common + np.sqrt(1 - shared) * rng.normal(size=(count, 4))
    return np.exp(rows) * [1.0, 100.0, 1e-3, 7.0]


def test_p_values_are_uniform_where_nothing_was_used() -> None:
    p = []
    for seed in range(500):
        rows = signals(np.random.default_rng([3, seed]), 30)
        rows[:, 3] = np.round(rows[:, 3])  # Ties.
        suspect = np.random.default_rng([4, seed]).permutation(halves(18, 12))
        found = trace_of(rows, suspect, seed=seed, permutations=39, repeats=1)
        p.append(found.auc.p_value or 0.0)
    # 40 arrangements: p is a multiple of 1 / 40, and each is as likely. Counts of 500 draws lie
    # within 4 standard deviations but once in 16,000.
    for share in (0.05, 0.25, 0.5):
        count = sum(one <= share + 1e-9 for one in p)
        assert abs(count - 500 * share) <= 4 * np.sqrt(500 * share * (1 - share))


def test_use_is_seen_in_one_signal_or_in_all() -> None:
    rng = np.random.default_rng(0)
    suspect = halves(50, 50)
    for factors in ([1.0, 1.0, 1.0, 6.0], [2.5] * 4):
        rows = signals(rng, 100)
        rows[suspect] *= factors
        found = trace_of(rows, suspect)
        assert found.auc.p_value == 0.001
        assert found.auc.value == pytest.approx(roc_auc_score(suspect, found.score), abs=1e-9)
    alone = signals(rng, 100)
    alone[suspect, 3] *= 6.0
    weights = trace_of(alone, suspect).weights
    assert weights.argmax() == 3
    assert (weights >= 0).all()


def test_a_set_that_looks_less_used_is_no_detection() -> None:
    """The wrong way round, however far, no p is small; a fit without directions would see it."""
    rng = np.random.default_rng(1)
    suspect = halves(40, 40)
    for factors in ([0.2] * 4, [1.0, 1.0, 1.0, 0.1]):
        rows = signals(rng, 80)
        rows[suspect] *= factors
        found = trace_of(rows, suspect)
        assert (found.auc.p_value or 0.0) > 0.2
        assert trace_of(-rows, suspect).auc.p_value == 0.001
        assert least_used(rows, suspect) == 0.0


def test_units_and_order_do_not_matter() -> None:
    rng = np.random.default_rng(2)
    rows, suspect = signals(rng, 60), halves(30, 30)
    rows[suspect] *= 1.5
    one, other = trace_of(rows, suspect), trace_of(np.log(rows) * 3 - 7, suspect)
    np.testing.assert_allclose(one.score, other.score, atol=1e-12)
    assert one.auc == other.auc


def test_a_signal_of_one_value_weighs_nothing_and_hides_nothing() -> None:
    rng = np.random.default_rng(5)
    rows, suspect = signals(rng, 60), halves(30, 30)
    rows[suspect] *= 4.0
    rows[:, 1] = 2.0
    assert trace_of(rows, suspect).auc.p_value == 0.001
    same = trace_of(np.ones((60, 2)), suspect).auc
    assert (same.value, same.p_value) == (0.5, 1.0)


def test_the_weights_are_those_of_a_general_optimizer() -> None:
    rng = np.random.default_rng(6)
    x = StandardScaler().fit_transform(np.log(signals(rng, 50, shared=0.8)))
    labels = np.stack([rng.permutation(halves(25, 25)) for _ in range(6)], axis=1) - 0.5
    found = weigh(x, labels, prior=20.0, even=0.05)
    assert (found == 0).any()
    assert (found > 0).any()
    for column, y in enumerate(labels.T):

        def lost(w: np.ndarray, y: np.ndarray = y) -> float:
            return float(((y - x @ w) ** 2).sum() + 20.0 * ((w - 0.05) ** 2).sum())

        start = np.full(4, 0.05)
        best = minimize(lost, start, bounds=[(0, None)] * 4, options={"ftol": 1e-15, "gtol": 1e-9})
        # A numerical gradient ends about 1e-6 from the minimum.
        np.testing.assert_allclose(found[:, column], best.x, atol=1e-5)


def test_the_test_is_that_of_a_plain_loop() -> None:
    """The same procedure, written a second time: one permutation, fold and fit after another."""
    rng = np.random.default_rng(8)
    rows, suspect, seed = signals(rng, 26), halves(14, 12), 11
    rows[suspect] *= 1.6
    found = trace_of(rows, suspect, seed=seed, permutations=30, repeats=2)
    rng = np.random.default_rng(seed)
    every = [suspect, *(rng.permutation(suspect) for _ in range(30))]
    folds = [np.array_split(rng.permutation(26), 5) for _ in range(2)]
    ranks = rows.argsort(axis=0).argsort(axis=0) + 1
    normal = np.array([[norm.ppf((r - 0.5) / 26) for r in row] for row in ranks])
    normal /= normal.std(axis=0)
    areas = []
    for labels in every:
        score = np.zeros(26)
        for parts in folds:
            for fold in parts:
                others = np.setdiff1d(np.arange(26), fold)
                y = labels[others] - suspect.mean()
                w = weigh(normal[others], y[:, None])[:, 0]
                score[fold] += normal[fold] @ w / 2
        areas.append(roc_auc_score(labels, score))
    assert found.auc.value == pytest.approx(areas[0], abs=1e-9)
    assert found.auc.p_value == pytest.approx(np.mean(np.array(areas) >= areas[0] - 1e-9))


def test_a_set_counts_its_pictures_and_not_their_copies() -> None:
    """What the caller must do: copies as images of their own make p too small under the null."""
    small = {True: 0, False: 0}
    for seed in range(100):
        rows = signals(np.random.default_rng([9, seed]), 24)
        suspect = halves(12, 12)
        for copied in small:
            times = 5 if copied else 1
            p = trace_of(
                np.repeat(rows, times, axis=0),
                np.repeat(suspect, times),
                seed=seed,
                permutations=39,
                repeats=1,
            ).auc.p_value
            small[copied] += (p or 0.0) <= 0.05
    # 5 of 100 are nominal, 13 lie 4 standard deviations above: and copies alone make many more.
    assert small[False] <= 13
    assert small[True] > 20


def test_the_least_share_lies_below_the_share_that_was_used() -> None:
    """For none, some and all, and close to it where use shows clearly and images are many."""
    for share in (0.0, 0.3, 1.0):
        above = 0
        for seed in range(200):
            rng = np.random.default_rng([10, seed])
            rows, suspect = signals(rng, 120), halves(60, 60)
            rows[: round(60 * share)] *= rng.choice([3.0, 30.0])
            above += least_used(rows, suspect) > share
        # 2.5 % are nominal: 5 of 200. 14 lie 4 standard deviations above.
        assert above <= 14
    rng = np.random.default_rng(12)
    rows, suspect = signals(rng, 8000), halves(4000, 4000)
    rows[:2000] *= 1e6
    assert 0.44 < least_used(rows, suspect) <= 0.5


def test_enough_images_are_few_where_all_is_known_and_more_where_less_is() -> None:
    rng = np.random.default_rng(13)
    suspect = halves(80, 80)
    found = []
    for factor in (30.0, 2.5):
        rows = signals(rng, 160)
        rows[suspect] *= factor
        found.append(enough(rows, suspect))
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] <= 12 < found[1] <= 80
    assert enough(signals(rng, 160), suspect) is None


def test_so_many_images_do_as_often_as_is_said() -> None:
    """New images of the same kind, as many as were said to be enough."""
    rng = np.random.default_rng(14)

    def drawn(n: int) -> tuple[np.ndarray, np.ndarray]:
        rows = signals(rng, 2 * n)
        rows[:n] *= 3.0
        return rows, halves(n, n)

    size = enough(*drawn(120))
    assert size is not None
    some = [drawn(size) for _ in range(40)]
    seen = sum(
        (trace_of(*one, permutations=199, repeats=1).auc.p_value or 1) <= 0.01 for one in some
    )
    # .8 of 40 are 32; 40 choices of one set, and 40 of these, move each by 2.5, and the set itself.
    assert seen >= 18


def test_the_smallest_share_would_be_seen_four_times_in_five() -> None:
    n = m = 40
    share = smallest_share(n, m)
    assert share is not None
    seen = 0
    for seed in range(200):
        score = np.random.default_rng([15, seed]).normal(size=n + m)
        known = np.random.default_rng([16, seed]).random(n) < share
        score[:n][known] = score[n:].max() + 1
        seen += mannwhitneyu(score[:n], score[n:], alternative="greater").pvalue <= 0.01
    # .8 of 200 are 160; 4 standard deviations are 23.
    assert abs(seen - 160) <= 23
    assert smallest_share(LEAST - 2, LEAST - 2) is None


def test_as_many_as_are_needed_show_an_area_four_times_in_five() -> None:
    area = 0.62
    count = needed(area)
    assert count is not None
    shift = np.sqrt(2) * norm.ppf(area)
    seen = 0
    for seed in range(200):
        score = np.random.default_rng([18, seed]).normal(size=(2, count))
        seen += mannwhitneyu(score[0] + shift, score[1], alternative="greater").pvalue <= 0.01
    # .8 of 200 are 160; 4 standard deviations are 23.
    assert abs(seen - 160) <= 23


def test_too_few_are_refused_with_what_is_needed() -> None:
    few = halves(LEAST - 1, 20)
    with pytest.raises(EmptyTable, match="7 and 20 images are too few: 8 a side are needed"):
        trace_of(np.ones((27, 1)), few)
    assert enough(np.ones((27, 1)), few) is None


def test_all_draws_hang_on_the_seed() -> None:
    rng = np.random.default_rng(17)
    rows, suspect = signals(rng, 40), halves(20, 20)
    assert trace_of(rows, suspect, seed=1).auc == trace_of(rows, suspect, seed=1).auc
    assert provenance.PERMUTATIONS == 999
