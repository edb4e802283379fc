"""Readings that are learned from the keys of others: what they see, and that they stay exact."""

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from solidmark.errors import BadInput
from solidmark.runs import Figure
from solidmark.scores import additive_p_values, aggregate, score_table
from solidmark.scores.learned import learn_in_order, likelihood_costs, told_by

AUDITS = 240
"""Under the null; a test of them at .001 a side is at 4 standard errors."""

TRAINED, HELD_OUT, KEYS, FEATURES = 48, 4, 6, 3


def tables(seed: int, known: float = 0.0, **more: Any) -> tuple[pa.Table, pa.Table]:
    """Evidence and keys of an audit.

    Arguments:
        known: How much of its key a trained image shows in the features; every second one shows it.
        more: `average`: how much all images show of the mean key of the trained; `subjects`:
            pictures of each; `repeats`: rows of each image; `keys`, `features`: how many.
    """
    random = np.random.default_rng([seed, 7])
    count, width = TRAINED + HELD_OUT, more.get("keys", KEYS)
    key = random.integers(256, size=(count, width)) / 255
    features = random.normal(size=(count, width, more.get("features", FEATURES)))
    features[:TRAINED:2] += known * (key[:TRAINED:2] - 0.5)[..., None]
    features += more.get("average", 0.0) * (key[:TRAINED].mean(axis=0) - 0.5)[:, None]
    plain = stats.norm.cdf(features[..., :2].mean(axis=-1) * math.sqrt(2))
    ids = [f"image-{number}" for number in range(count)]
    split = ["trained"] * TRAINED + ["held_out"] * HELD_OUT
    size, repeats = more.get("subjects", 0), more.get("repeats", 1)
    group = [f"who-{number // size}" if size else None for number in range(count)]
    evidence = pa.table(
        {
            "reader": ["fitted"] * count * repeats,
            "split": split * repeats,
            "id": ids * repeats,
            "repeat": np.repeat(np.arange(repeats), count),
            "key_read": plain.tolist() * repeats,
            "features": pa.array(
                features.reshape(count, -1).tolist() * repeats, pa.list_(pa.float32())
            ),
            "status": ["ok"] * count * repeats,
            "note": [""] * count * repeats,
        }
    )
    keys = pa.table(
        {
            "id": ids,
            "split": split,
            "group": pa.array(group, pa.string()),
            "key_group": ids,
            "key": key.tolist(),
        }
    )
    return evidence, keys


def trained(scores: pa.Table, column: str) -> np.ndarray:
    kept = np.array(scores["split"]) == "trained"
    return np.array(scores[column].to_pylist(), dtype=float)[kept]


def figure(scores: pa.Table, keys: pa.Table, statistic: str) -> Figure:
    rows = aggregate(scores, calls={}, keys=keys, deltas=(0.05,))
    return next(row for row in rows if row.statistic == statistic and row.split == "trained")


def ridge(plain: np.ndarray, features: np.ndarray, key: np.ndarray) -> tuple[np.ndarray, float]:
    """The same weights from the data themselves, by singular values and not by sums."""
    m, y = (plain - 0.5).ravel(), (key - 0.5).ravel()
    x = features.reshape(-1, features.shape[2])
    rest = x - np.outer(m, m @ x) / (m @ m)
    c = (m @ y) / (m @ m)
    u, s, v = np.linalg.svd(rest, full_matrices=False)
    best = (math.inf, np.empty(0))
    for penalty in 10.0 ** np.arange(-4, 4) * len(y):
        v_of = v.T @ (s / (s**2 + penalty) * (u.T @ (y - c * m)))
        left = ((y - c * m - rest @ v_of) ** 2).sum()
        error = left / (1 - (1 + (s**2 / (s**2 + penalty)).sum()) / (len(y) + 1)) ** 2
        best = min(best, (error, v_of), key=lambda one: one[0])
    share = 1 - best[0] / (y @ y)
    return c * m + rest @ best[1], math.sqrt(share)


@pytest.mark.parametrize("known", [1.5, 2.5, 4.0])
def test_the_weights_are_those_of_ridge_regression_round_the_plain_reading(known: float) -> None:
    evidence, keys = tables(0, known)
    features = np.array(evidence["features"].to_pylist()).reshape(-1, KEYS, FEATURES)[:TRAINED]
    plain = np.array(evidence["key_read"].to_pylist())[:TRAINED]
    key = np.array(keys["key"].to_pylist())[:TRAINED]
    values, rho = ridge(plain, features, key)
    order = np.append(np.zeros(TRAINED, dtype=int), np.full(TRAINED, -1))
    twice = [np.concatenate([one, one]) for one in (plain, features, key)]
    found = learn_in_order(*twice, order)
    # Sums of products lose half of the digits of what the singular values keep.
    np.testing.assert_allclose(found.rho[TRAINED:], rho, rtol=1e-6)
    np.testing.assert_allclose(found.reading[TRAINED:].ravel(), values / rho, rtol=0, atol=1e-6)
    assert (found.rho[:TRAINED] == 0).all()


def test_what_leans_away_from_the_keys_or_says_nothing_is_left_as_it_was() -> None:
    random = np.random.default_rng(0)
    key = random.integers(256, size=(40, KEYS)) / 255
    against = 1 - key
    features = random.normal(size=(40, KEYS, 2))
    weights = told_by(against, features, key).weights()
    assert (weights.plain, weights.rho, weights.features.tolist()) == (1.0, 0.0, [0.0, 0.0])
    # Fewer than ten keys a feature.
    weights = told_by(key[:1], features[:1], key[:1]).weights()
    assert weights.rho == 0


def test_the_statistic_is_the_likelihood_of_the_frame() -> None:
    """Up to what all frames share; by the normal law itself."""
    random = np.random.default_rng(0)
    reading, rho = random.normal(0, 0.3, (3, 2)), np.array([0.0, 0.4, 0.9])
    kappa = np.arange(256) / 255 - 0.5
    costs = likelihood_costs(reading, rho)
    for row in (1, 2):
        spread = math.sqrt((1 - rho[row] ** 2) * kappa.var())
        log = stats.norm.logpdf(reading[row][:, None], rho[row] * kappa, spread)
        scaled = -2 * spread**2 / rho[row] * (log - log[:, :1])
        np.testing.assert_allclose(costs[row] - costs[row][:, :1], scaled, atol=1e-12)
    # Where nothing is known of the law, what counts is the product of reading and key.
    np.testing.assert_allclose(costs[0], -2 * reading[0][:, None] * kappa)


def test_more_is_seen_than_by_the_plain_reading_and_later_folds_see_it_too() -> None:
    evidence, keys = tables(1, known=1.5, keys=16, features=12)
    plain = score_table(evidence.drop_columns(["features"]), keys)
    learned = score_table(evidence, keys)
    assert set(learned["statistic"].to_pylist()) == {"likelihood"}
    known = slice(0, None, 2)
    before, after = (trained(one, "p_value")[known] for one in (plain, learned))
    assert np.log(after).mean() < np.log(before).mean() - 1
    z = [figure(one, keys, "permutation_z").value or 0 for one in (plain, learned)]
    assert z[1] > z[0]


@pytest.mark.parametrize("more", [{}, {"average": 8.0}, {"repeats": 2}], ids=str)
def test_p_values_are_exact_and_independent_where_nothing_is_memorized(
    more: dict[str, Any],
) -> None:
    """If two folds learned from each other, the mean p of an audit would vary up to twice as much:
    exact one by one, and wrong together."""
    every, means, z = [], [], []
    for seed in range(AUDITS // more.get("repeats", 1)):
        evidence, keys = tables(seed, **more)
        scores = score_table(evidence, keys)
        p = trained(scores, "p_value")[:TRAINED]
        every.append(p)
        means.append((0.5 - p.mean()) * math.sqrt(12 * TRAINED))
        if seed < 50:
            z.append(figure(scores, keys, "permutation_z").value or 0.0)
    p = np.concatenate(every)
    for rate in (0.1, 0.01):
        error = math.sqrt(rate * (1 - rate) / len(p))
        # Copies of one answer are two readings, of which twice the smaller p counts.
        low = -math.inf if more.get("repeats") else rate - 4 * error
        assert low < (p <= rate).mean() < rate + 4 * error
    # The variance of a mean of n p-values that are independent.
    if not more.get("repeats"):
        assert np.var(means) < stats.chi2.ppf(0.999, AUDITS) / AUDITS
    assert np.var(z) < stats.chi2.ppf(0.999, 50) / 50


def test_subjects_are_judged_by_all_their_frames() -> None:
    evidence, keys = tables(2, known=1.5, subjects=4)
    scores = score_table(evidence, keys)
    p, groups = trained(scores, "p_value"), trained(scores, "group_p_value")
    assert np.median(groups) < np.median(p)
    p_of = [trained(score_table(*tables(s, subjects=4)), "group_p_value")[::4] for s in range(100)]
    every = np.concatenate(p_of)
    # Twice the smaller of two p-values: at most the rate, and not much below it.
    assert 0.03 < (every <= 0.1).mean() < 0.1 + 4 * math.sqrt(0.09 / len(every))


def test_a_table_in_another_order_gives_the_same_scores() -> None:
    evidence, keys = tables(3, known=1.0)
    drawn = np.random.default_rng(0).permutation(len(evidence))
    one, other = score_table(evidence, keys), score_table(evidence.take(drawn), keys)
    assert one.take(drawn).drop_columns(["peers"]).equals(other.drop_columns(["peers"]))


def test_fisher_can_be_asked_for_and_energy_falls_back_to_the_likelihood() -> None:
    evidence, keys = tables(4, known=1.0)
    fisher = score_table(evidence, keys, "fisher")
    assert set(fisher["statistic"].to_pylist()) == {"fisher"}
    assert fisher["key_read"].equals(score_table(evidence, keys)["key_read"])


def test_rows_with_other_features_are_refused() -> None:
    evidence, keys = tables(5)
    rows = evidence.to_pylist()
    rows[3]["features"] = rows[3]["features"][:-KEYS]
    with pytest.raises(BadInput, match="features"):
        score_table(pa.Table.from_pylist(rows, schema=evidence.schema), keys)


def test_the_nulls_of_all_settings_are_uniform() -> None:
    """Keys drawn anew for readings of each correlation, against the law that is ranked."""
    random = np.random.default_rng(0)
    for rho in (0.0, 0.3, 1.0):
        for keys, draws in ((2, 500), (16, 1000)):
            reading = random.normal(0, 0.29, (draws, keys))
            levels = random.integers(256, size=reading.shape)
            p = additive_p_values(likelihood_costs(reading, np.full(draws, rho)), levels)
            assert stats.kstest(p, "uniform").pvalue > 1e-4
