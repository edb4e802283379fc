"""The permutation test: by all permutations, under its null, and with what is known."""

import itertools

import numpy as np
import pytest
from scipy import stats

from solidmark.errors import EmptyTable
from solidmark.scores import Exchange, Pool
from solidmark.scores.exchange import DRAWS, FIRST, Block, closeness, hits_within, products


def exchange(
    keys: np.ndarray, read: np.ndarray, *, groups: int = 1, repeats: int = 1, seed: int = 0
) -> Exchange:
    """Images in groups of equal size; the rows of an image stand together."""
    size = len(keys) // groups
    units = [str(number) for number in range(len(keys))]
    pools = {
        g: Pool(tuple(units[g * size : (g + 1) * size]), keys[g * size : (g + 1) * size])
        for g in range(groups)
    }
    rows = np.repeat(np.arange(len(keys)), repeats)
    return Exchange(read, [units[row] for row in rows], [row // size for row in rows], pools, seed)


def levels(generator: np.random.Generator, *shape: int) -> np.ndarray:
    return generator.integers(256, size=shape) / 255


@pytest.mark.parametrize("groups", [1, 3])
def test_p_and_z_are_those_of_all_permutations(groups: int) -> None:
    generator = np.random.default_rng(1)
    keys = levels(generator, 6, 2)
    read = (keys + 0.3 * generator.standard_normal(keys.shape)).clip(0, 1)
    asked = exchange(keys, read, groups=groups)
    fits = [closeness(block) for block in asked._blocks()]
    size = 6 // groups
    every = [list(way) for way in itertools.permutations(range(size))]
    sums = [
        sum(fit[np.arange(size), way].sum() for fit, way in zip(fits, ways, strict=True))
        for ways in itertools.product(every, repeat=groups)
    ]
    own = sum(fit[np.arange(size), np.arange(size)].sum() for fit in fits)
    exact = np.mean(np.array(sums) >= own - 1e-9)
    found = asked.z()
    assert found.value == pytest.approx(own / np.std(sums))
    draws = DRAWS if found.p_value <= 0.05 else FIRST
    assert found.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact / draws) + 1 / draws)
    assert asked.log_arrangements() == pytest.approx(np.log(len(sums)))


@pytest.mark.parametrize("known", ["nothing", "mean", "frames"])
def test_p_is_uniform_when_no_pairing_is_known(known: str) -> None:
    """Of 500 runs each: readings of noise, of the mean of the group, of frames of the group that
    are handed out at random."""
    found = []
    for run in range(500):
        generator = np.random.default_rng(run)
        keys = levels(generator, 12, 4)
        read = generator.random((12, 4))
        for g in range(3):
            own = slice(4 * g, 4 * g + 4)
            if known == "mean":
                read[own] = 0.8 * keys[own].mean(axis=0) + 0.2 * read[own]
            if known == "frames":
                read[own] = keys[own][generator.permutation(4)]
        (p,) = exchange(keys, read, groups=3, seed=run).tests(closeness)
        found.append(p)
    for level in (0.01, 0.05, 0.2):
        assert sum(p <= level for p in found) <= stats.binom.ppf(0.999, 500, level)
    assert np.mean(found) == pytest.approx(0.5, abs=4 * np.sqrt(1 / 12 / 500))


def test_repeats_and_copies_are_one_unit() -> None:
    """Five readings that lean the same way are not five images: p stays uniform."""
    found = []
    for run in range(400):
        generator = np.random.default_rng(run)
        keys = levels(generator, 10, 2)
        read = np.repeat(generator.random((10, 2)), 5, axis=0)
        read = (read + 0.02 * generator.standard_normal(read.shape)).clip(0, 1)
        fits = (closeness, hits_within(0.1), products)
        found.append(exchange(keys, read, repeats=5, seed=run).tests(*fits))
    for p in np.array(found).T:
        assert (p <= 0.05).sum() <= stats.binom.ppf(0.999, 400, 0.05)


def test_memory_is_seen_and_what_is_backwards_is_not() -> None:
    generator = np.random.default_rng(3)
    keys = levels(generator, 40, 8)
    known = exchange(keys, keys).z()
    assert known.value > 10
    assert known.p_value == 1 / (DRAWS + 1)
    assert known.ci_low < known.value < known.ci_high
    backwards = exchange(keys, 1 - keys).z()
    assert backwards.value < -10
    assert backwards.p_value == 1.0


def test_the_interval_holds_nothing_as_often_as_it_says() -> None:
    holds = 0
    for run in range(300):
        generator = np.random.default_rng(run)
        found = exchange(levels(generator, 40, 2), generator.random((40, 2))).z()
        holds += found.ci_low <= 0 <= found.ci_high
    assert holds > 0.91 * 300


def test_a_large_group_is_cut_and_loses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = np.random.default_rng(4)
    keys = levels(generator, 300, 4)
    read = (keys + 0.6 * generator.standard_normal(keys.shape)).clip(0, 1)
    whole = exchange(keys, read).z()
    monkeypatch.setattr("solidmark.scores.exchange._BLOCK", 64)
    cut = exchange(keys, read)
    assert [len(block.keys) for block in cut._blocks()] == [60] * 5
    assert cut.z().value == pytest.approx(whole.value, rel=0.1)


def test_images_that_were_not_asked_lend_their_keys() -> None:
    generator = np.random.default_rng(5)
    keys = levels(generator, 30, 4)
    pools = {0: Pool(tuple(map(str, range(30))), keys)}
    asked = Exchange(keys[:3], ["0", "1", "2"], [0, 0, 0], pools)
    (block,) = asked._blocks()
    assert block.distance.shape == (3, 30)
    assert asked.z().p_value < 0.001  # of 30 * 29 * 28 ways, where 3 images have 6


def test_fits_by_hand() -> None:
    keys = np.array([[0.0], [0.5], [1.0]])
    distance = np.abs(np.array([[0.1], [0.9]]) - keys.T)
    block = Block(distance, np.array([[0.1], [0.9]]), keys, np.array([0, 1]), np.array([0, 2]))
    assert hits_within(0.1)(block).tolist() == [[1, 0, 0], [0, 0, 1]]
    near = closeness(block)
    np.testing.assert_allclose(near.mean(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(near.std(axis=1), 1)
    np.testing.assert_allclose(products(block), [[-0.05, 0, 0.05], [-0.45, 0, 0.45]])


def test_nobody_to_exchange_with_and_nobody_at_all() -> None:
    alone = Exchange(np.array([[0.5]]), ["a"], [0], {0: Pool(("a",), np.array([[0.2]]))}).z()
    assert alone.value is alone.p_value is None
    assert "No image has a peer" in str(alone.note)
    with pytest.raises(EmptyTable):
        Exchange(np.empty((0, 1)), [], [], {}).z()


def test_the_same_seed_gives_the_same_draws() -> None:
    generator = np.random.default_rng(6)
    keys, read = levels(generator, 20, 2), generator.random((20, 2))
    first, second, other = (exchange(keys, read, seed=seed).tests(closeness) for seed in (1, 1, 2))
    assert first == second != other


def test_readings_that_are_nearly_the_same_have_a_narrow_interval() -> None:
    """What all images of a group share is no spread between them: z is known to about 2."""
    generator = np.random.default_rng(7)
    keys = levels(generator, 40, 8)
    average = np.repeat(keys.reshape(10, 4, 8).mean(axis=1), 4, axis=0)
    read = (average + 0.01 * generator.standard_normal(keys.shape)).clip(0, 1)
    found = exchange(keys, read, groups=10).z()
    assert found.ci_high - found.ci_low < 6
    assert abs(found.value) < 3
