"""Keys: uniform, and a function of the seed and the id alone."""

import random

import numpy as np
import pytest
import torch
from scipy import stats

from solidmark.marks import Keymap
from solidmark.randomness import LEVELS

IDS = [f"photos/{number:05d}.jpg" for number in range(20_000)]


@pytest.fixture(scope="module")
def keys() -> np.ndarray:
    return np.array([Keymap(4711, 3).levels(id) for id in IDS])


def test_keys_are_uniform_on_the_levels_of_an_eight_bit_file(keys: np.ndarray) -> None:
    for m in range(3):
        counts = np.bincount(keys[:, m], minlength=LEVELS)
        assert len(counts) == LEVELS
        assert stats.chisquare(counts).pvalue > 0.01


def test_the_keys_of_one_image_are_independent(keys: np.ndarray) -> None:
    assert np.abs(np.corrcoef(keys.T)[np.triu_indices(3, 1)]).max() < 0.025
    coarse = np.histogram2d(keys[:, 0], keys[:, 1], bins=8)[0]
    assert stats.chi2_contingency(coarse).pvalue > 0.01


def test_neighbouring_ids_have_independent_keys(keys: np.ndarray) -> None:
    assert abs(np.corrcoef(keys[1:, 0], keys[:-1, 0])[0, 1]) < 0.025


def test_another_seed_is_another_keymap(keys: np.ndarray) -> None:
    for seed in (4712, -4711, 0):
        others = np.array([Keymap(seed, 3).levels(id) for id in IDS[:5000]])
        assert abs(np.corrcoef(keys[:5000, 0], others[:, 0])[0, 1]) < 0.05
        assert (keys[:5000] == others).mean() < 0.01


def test_fault_9_keys_do_not_hang_on_the_order_of_the_loader() -> None:
    """Known fault 9: a key is a function of the secret seed and the image's id."""
    keymap, ids = Keymap(4711, 2), IDS[:200]
    whole = dict(zip(ids, keymap(ids), strict=True))
    shuffled = random.Random(0).sample(ids, len(ids))
    for some in (shuffled, shuffled[:50], ids[::-1], ids[3:4]):
        for id, key in zip(some, keymap(some), strict=True):
            assert torch.equal(key, whole[id])


def test_the_keymap_is_frozen() -> None:
    """Keys of a published folder must be the same in every version."""
    assert Keymap(7, 3).levels("cat.png") == [2, 128, 45]
    assert Keymap(7).levels("cat.png") == [2]


def test_keys_are_float32_levels_over_255() -> None:
    keys = Keymap(0, 2)(["a", "b"])
    assert keys.shape == (2, 2)
    assert keys.dtype == torch.float32
    assert torch.equal(keys, torch.tensor([Keymap(0, 2).levels(id) for id in "ab"]) / 255)
    assert Keymap(0, 2)([]).shape == (0, 2)


def test_hostile_ids_have_keys() -> None:
    ids = ["\0", "\n", "\ud800", "", " ", "a" * 10_000]
    assert len({tuple(Keymap(0, 4).levels(id)) for id in ids}) == len(ids)
