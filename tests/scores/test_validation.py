"""Every null against brute force, to 1e-3 of p; and each check is shown a null that is wrong.

Keys are drawn millions of times, or all of them are enumerated. What is compared knows nothing of
grids, tilts or convolutions.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
import pytest
from scipy import stats

from solidmark.scores import (
    STATISTICS,
    Statistic,
    any_key,
    eidetic,
    energy_costs,
    exposure_bits,
    fisher_costs,
    p_values,
    q_values,
    statistic_p_values,
)

LEVELS = np.arange(256) / 255
CANDIDATES = np.linspace(0, 1, 9)
CLOSE = 1e-3
DRAWS = 4_000_000
"""So many that the draws themselves are within 1e-3 at four standard deviations."""


def a_case(count: int, rows: int = 6) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One estimate with its energies, and keys from near it to anywhere: (N, M), (M,), (M, K)."""
    generator = np.random.default_rng(count)
    key_read = generator.random(count)
    valley = (CANDIDATES - key_read[:, None]) ** 2 + 0.02 * generator.random((count, 9))
    reach = np.linspace(0.5, 1.0, rows)[:, None] if count > 1 else np.ones((rows, 1))
    anywhere = generator.random((rows, count))
    key = np.rint((key_read + reach * (anywhere - key_read)) * 255) / 255
    return key, key_read, valley


def cost_table(statistic: Statistic, key_read: np.ndarray, energies: np.ndarray) -> np.ndarray:
    if statistic == "l1":
        return np.abs(LEVELS - key_read[:, None])
    if statistic == "fisher":
        return fisher_costs(key_read[None])[0]
    return energy_costs(CANDIDATES, energies[None])[0]


@cache
def drawn_levels(count: int) -> np.ndarray:
    return np.random.default_rng(9).integers(256, size=(count, DRAWS), dtype=np.uint8)


def by_brute_force(table: np.ndarray, key: np.ndarray) -> np.ndarray:
    """P(T <= T(key)) with all keys enumerated, or with drawn ones where they are too many."""
    count = len(table)
    at_key = table[np.arange(count), np.rint(key * 255).astype(int)].sum(axis=1)
    if count == 1:
        sums = table[0]
    else:
        levels = drawn_levels(count)
        sums = np.zeros(DRAWS)
        for row, drawn in zip(table, levels, strict=True):
            sums += row[drawn]
    return np.array([(sums <= value + 1e-9).mean() for value in at_key])


def of(statistic: Statistic, key: np.ndarray, key_read: np.ndarray, energies: np.ndarray):
    rows = len(key)
    read, curves = np.tile(key_read, (rows, 1)), np.tile(energies, (rows, 1, 1))
    return statistic_p_values(statistic, key, read, CANDIDATES, curves)


@pytest.mark.parametrize("count", [1, 4, 16])
def test_p_values_against_all_keys_or_four_million(count: int) -> None:
    key, key_read, energies = a_case(count)
    for statistic in STATISTICS:
        expected = by_brute_force(cost_table(statistic, key_read, energies), key)
        found = of(statistic, key, key_read, energies)
        assert np.abs(found - expected).max() < CLOSE, statistic
        if count == 16:
            assert found.min() < 0.05 < 0.5 < found.max(), statistic  # from tail to bulk
    drawn_levels.cache_clear()


def test_the_check_sees_a_key_that_is_taken_for_continuous() -> None:
    key, key_read, energies = a_case(1, rows=30)
    expected = by_brute_force(cost_table("l1", key_read, energies), key)
    distance = np.abs(key - key_read)[:, 0]
    continuous = np.minimum(key_read + distance, 1) - np.maximum(key_read - distance, 0)
    assert np.abs(of("l1", key, key_read, energies) - expected).max() < CLOSE
    assert np.abs(continuous - expected).max() > 2 * CLOSE


def test_the_check_sees_fishers_chi_square_which_is_for_continuous_p_values() -> None:
    key, key_read, energies = a_case(4)
    table = fisher_costs(key_read[None])[0]
    expected = by_brute_force(table, key)
    statistic = table[np.arange(4), np.rint(key * 255).astype(int)].sum(axis=1)
    assert np.abs(of("fisher", key, key_read, energies) - expected).max() < CLOSE
    assert np.abs(stats.chi2.sf(-2 * statistic, 8) - expected).max() > CLOSE
    drawn_levels.cache_clear()


# ---- several copies, several repeats


def hits_of_groups(
    key_read: np.ndarray, keys: Sequence[int], groups: Sequence[int], delta: float
) -> tuple[np.ndarray, np.ndarray]:
    """For a million draws: how many groups are hit by any key, how many rows are hit."""
    draws, generator = 1_000_000, np.random.default_rng(11)
    group_hit = np.zeros((max(groups) + 1, draws), dtype=bool)
    row_hits = np.zeros(draws, dtype=np.int64)
    for number in sorted(set(keys)):
        drawn = generator.integers(256, size=(key_read.shape[1], draws), dtype=np.uint8)
        for row in (row for row, key in enumerate(keys) if key == number):
            total = np.zeros(draws)
            for k_hat, level in zip(key_read[row], drawn, strict=True):
                total += np.abs(LEVELS - k_hat)[level]
            hit = total / key_read.shape[1] <= delta + 1e-9
            group_hit[groups[row]] |= hit
            row_hits += hit
    return group_hit.sum(axis=0), row_hits


def names(codes: Sequence[int]) -> list[str]:
    return [f"{code:03d}" for code in codes]


def test_any_of_several_copies_with_vectors_of_their_own() -> None:
    """Three groups of 1, 2 and 4 copies; each copy has a key of four greys."""
    generator = np.random.default_rng(12)
    groups, keys, delta = [0, 1, 1, 2, 2, 2, 2], list(range(7)), 0.12
    key_read = generator.random((7, 4))
    groups_hit, _ = hits_of_groups(key_read, keys, groups, delta)
    distance = np.where(np.arange(7) < 2, 0.0, 1.0)  # two groups are hit
    (found,) = any_key(distance, key_read, names(keys), names(groups), [delta])
    assert found.count == 2
    assert abs(found.p_value - (groups_hit >= 2).mean()) < CLOSE
    assert abs(found.chance - groups_hit.mean() / 3) < CLOSE
    # As if a group had the chance of one copy, which is how counts rise with the copies.
    (one_copy,) = eidetic(distance[:1], key_read[:1], deltas=[delta])
    assert abs(one_copy.chance - groups_hit.mean() / 3) > 5 * CLOSE


def test_repeats_that_share_a_key_vector() -> None:
    """Eight keys of four greys, each asked three times; the answers resemble one another."""
    generator = np.random.default_rng(13)
    keys, groups, delta = np.repeat(np.arange(8), 3), np.repeat(np.arange(8) // 2, 3), 0.2
    around = generator.random((8, 4))[keys]
    key_read = (around + 0.04 * generator.standard_normal((24, 4))).clip(0, 1)
    groups_hit, row_hits = hits_of_groups(key_read, keys.tolist(), groups.tolist(), delta)
    distance = np.ones(24)
    distance[[0, 12]] = 0.0
    (found,) = any_key(distance, key_read, names(keys), names(groups), [delta])
    assert found.count == 2
    # How the hits of a key fall together is seen in 65,536 drawn keys, so within 2e-3.
    assert abs(found.chance - groups_hit.mean() / 4) < 2 * CLOSE
    assert abs(found.p_value - (groups_hit >= 2).mean()) < 2 * CLOSE
    (rows,) = eidetic(distance, key_read, names(keys), [delta])
    assert abs(rows.chance - row_hits.mean() / 24) < CLOSE
    assert abs(rows.p_value - (row_hits >= 2).mean()) < CLOSE
    # As if each repeat had drawn a key of its own.
    (independent,) = eidetic(distance, key_read, deltas=[delta])
    assert abs(independent.p_value - (row_hits >= 2).mean()) > 50 * CLOSE
    # Hits too rare for drawn keys are bounded instead: never too low.
    rare = any_key(distance, key_read, names(keys), names(groups), [0.1])[0]
    rare_hits, _ = hits_of_groups(key_read, keys.tolist(), groups.tolist(), 0.1)
    assert rare.p_value >= (rare_hits >= 2).mean()
    assert rare.chance >= rare_hits.mean() / 4


def test_repeats_that_share_two_keys_are_counted_exactly() -> None:
    read = np.array([[0.2, 0.7], [0.25, 0.65], [0.6, 0.1]])
    (found,) = any_key(np.array([0.0, 1.0, 1.0]), read, ["k"] * 3, ["g"] * 3, [0.15])
    first, second = np.meshgrid(LEVELS, LEVELS)
    hit = np.zeros((256, 256), dtype=bool)
    for row in read:
        hit |= (np.abs(first - row[0]) + np.abs(second - row[1])) / 2 <= 0.15 + 1e-9
    assert found.chance == pytest.approx(hit.mean(), abs=1e-12)


# ---- published exposure


@pytest.mark.parametrize("statistic", STATISTICS)
def test_exposure_is_that_of_the_secret_sharer_on_all_65536_keys(statistic: Statistic) -> None:
    """Carlini et al. (2019), Definition 2: log2 |R| - log2 rank, every key of R ranked."""
    _, key_read, energies = a_case(2)
    table = cost_table(statistic, key_read, energies)
    every = np.add.outer(table[0], table[1]).ravel()
    ordered = np.sort(every)
    chosen = np.random.default_rng(14).integers(65_536, size=40)
    rank = np.searchsorted(ordered, every[chosen] + 1e-12, side="right")
    key = np.stack(np.divmod(chosen, 256), axis=1) / 255
    found = exposure_bits(of(statistic, key, key_read, energies))
    np.testing.assert_allclose(found, np.log2(65_536) - np.log2(rank), rtol=0, atol=1e-9)


# ---- uniform when nothing is known


def redrawn(statistic: Statistic, count: int, rows: int) -> tuple[np.ndarray, np.ndarray]:
    """P-values of keys that nobody knows, and the chance of the very value of each."""
    generator = np.random.default_rng([count, rows])
    key_read = generator.random((rows, count))
    energies = generator.standard_normal((rows, count, 9))
    key = generator.integers(256, size=(rows, count)) / 255
    p = statistic_p_values(statistic, key, key_read, CANDIDATES, energies)
    step = np.zeros(rows)
    if count == 1:
        if statistic == "energy":
            step[:] = 1 / 256
        else:
            distance = np.abs(key - key_read)[:, 0]
            step = p - p_values((distance - 3e-9).clip(0), key_read)
    return p - generator.random(rows) * step, p


@pytest.mark.parametrize("statistic", STATISTICS)
@pytest.mark.parametrize("count", [1, 3])
def test_p_values_of_redrawn_keys_are_uniform(statistic: Statistic, count: int) -> None:
    spread, p = redrawn(statistic, count, 5_000)
    assert stats.kstest(spread, "uniform").pvalue > 1e-3
    for level in (0.05, 0.5):
        low, high = stats.binom.ppf([1e-4, 1 - 1e-4], 5_000, level)
        assert low - 5_000 / 128 * (count == 1) <= (p <= level).sum() <= high
    # The check can fail: the better of two keys that were looked at.
    assert stats.kstest(np.minimum(spread[::2], spread[1::2]), "uniform").pvalue < 1e-9


@pytest.mark.parametrize("statistic", STATISTICS)
def test_the_tail_at_one_in_a_thousand(statistic: Statistic) -> None:
    _, p = redrawn(statistic, 2, 12_000)
    low, high = stats.binom.ppf([1e-4, 1 - 1e-4], 12_000, 1e-3)
    assert low <= (p <= 1e-3).sum() <= high


def test_p_values_of_sixteen_keys_are_uniform() -> None:
    for statistic in STATISTICS:
        _, p = redrawn(statistic, 16, 250)
        assert stats.kstest(p, "uniform").pvalue > 1e-3, statistic


# ---- names


def false_share(p: np.ndarray, method: str, fdr: float) -> float:
    """The share of wrong ones among those that are named; the first 20 are memorized."""
    named = q_values(p, method) <= fdr  # type: ignore[arg-type]
    return named[20:].sum() / max(1, named.sum())


@pytest.mark.parametrize("method", ["bh", "by"])
def test_no_more_names_are_wrong_than_was_promised(method: str) -> None:
    fdr, runs, generator = 0.2, 100, np.random.default_rng(15)
    found, careless = [], []
    for _ in range(runs):
        key = generator.integers(256, size=(400, 2)) / 255
        key_read = generator.random((400, 2))
        error = generator.choice([0.002, 0.01, 0.05], size=(20, 1))
        key_read[:20] = (key[:20] + error * generator.standard_normal((20, 2))).clip(0, 1)
        p = p_values(np.abs(key - key_read).mean(axis=1), key_read)
        found.append(false_share(p, method, fdr))
        # As if each image had three copies, and the best of their keys were not corrected for.
        nothing = generator.random((380, 2)).min(axis=1)
        careless.append(false_share(np.append(p[:20], np.minimum(p[20:], nothing)), method, fdr))
    promised = fdr if method == "bh" else fdr / (1 / np.arange(1, 401)).sum()
    error_of_mean = np.std(found) / np.sqrt(runs)
    assert np.mean(found) <= fdr + 2 * error_of_mean
    assert np.mean(found) <= promised + 3 * error_of_mean
    assert np.mean(careless) > promised + 2 * np.std(careless) / np.sqrt(runs)
