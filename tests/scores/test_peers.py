"""Who is exchanged with whom, and that a p-value of an exchanged key is exact."""

import itertools
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.scores import (
    additive_p_values,
    aggregate,
    peers_of,
    score_table,
    statistic_p_values,
)
from solidmark.scores.keys import image_keys
from solidmark.scores.peers import Peers, Pool, pools_of_rows


def images(*told: tuple[str, ...], split: str = "trained") -> list[dict[str, Any]]:
    """Rows of a key table: an image for each class, caption and bucket."""
    columns = ("class", "caption", "bucket")
    rows = []
    for number, words in enumerate(told):
        name = f"{split}{number}"
        row = {"id": name, "split": split, "group": None, "key_group": name}
        row |= {"key": [number / 255, 0.0], **dict(zip(columns, (*words, "", ""), strict=False))}
        rows.append(row)
    return rows


def peers(known: list[dict[str, Any]]) -> Peers:
    return peers_of(image_keys(pa.Table.from_pylist(known)))


def groups(known: list[dict[str, Any]]) -> list[tuple[list[str], bool]]:
    found: dict[int, list[str]] = {}
    together = peers(known)
    for row, number in zip(known, together.of_image.tolist(), strict=True):
        if number >= 0:
            found.setdefault(number, []).append(row["key_group"])
    return [(sorted(units), together.pools[number].told) for number, units in sorted(found.items())]


def test_one_caption_is_one_group_and_the_rest_are_peers_of_each_other() -> None:
    known = images(("", "cat"), ("", "dog"), ("", "cat"), ("", "eel"), ("", "fox"))
    assert groups(known) == [
        (["trained0", "trained2"], True),
        (["trained1", "trained3", "trained4"], False),
    ]


def test_within_a_class_captions_first_and_then_the_class() -> None:
    known = images(("a", "x"), ("a", "x"), ("a", "y"), ("a", "z"), ("b", "x"), ("c", "x"))
    assert groups(known) == [
        (["trained0", "trained1"], True),
        (["trained2", "trained3"], True),
        (["trained4", "trained5"], False),
    ]


def test_words_that_tell_nobody_apart_tell_nothing() -> None:
    assert groups(images(("", ""), ("", ""))) == [(["trained0", "trained1"], False)]
    assert groups(images(("a", "x"), ("a", "x"))) == [(["trained0", "trained1"], False)]


def test_a_bucket_is_left_to_last_since_a_model_sees_the_size() -> None:
    wide = [(*told, "wide") for told in (("a", "x"), ("a", "y"), ("b", "x"), ("c", "x"))]
    known = images(*wide, *[("", "", "high")] * 2, ("", "", "long"), ("", "", "small"))
    assert groups(known) == [
        (["trained4", "trained5"], True),
        (["trained0", "trained1"], True),
        (["trained2", "trained3"], True),
        (["trained6", "trained7"], False),  # Alone in their buckets.
    ]


def test_one_bucket_is_none() -> None:
    words = ("", "cat"), ("", "dog"), ("a", "cat"), ("a", "eel"), ("", "fox")
    assert groups(images(*words)) == groups(images(*((*told, "wide") for told in words)))


def test_averages_of_small_buckets_are_no_memory() -> None:
    """Each holds a quarter of each of its keys: across buckets they would pass for knowing them."""
    keys = np.random.default_rng(3).integers(0, 256, (10, 4, 8)) / 255
    read = np.broadcast_to(keys.mean(1, keepdims=True), keys.shape)
    names = [f"{number:02d}" for number in range(40)]
    evidence = pa.table(
        {
            "reader": ["any"] * 40,
            "split": ["trained"] * 40,
            "id": names,
            "repeat": [0] * 40,
            "key_read": read.reshape(40, 8).tolist(),
            "status": ["ok"] * 40,
            "note": [""] * 40,
        }
    )
    table = pa.table(
        {
            "id": names,
            "split": ["trained"] * 40,
            "group": pa.nulls(40, pa.string()),
            "key_group": names,
            "key": keys.reshape(40, 8).tolist(),
        }
    )
    bucketed = table.append_column("bucket", pa.array([f"{n // 4}x8" for n in range(40)]))
    together = {}
    for name, known in (("within", bucketed), ("across", table)):
        rows = aggregate(score_table(evidence, known), calls={}, keys=known)
        (together[name],) = [row for row in rows if row.statistic == "permutation_z"]
    assert together["across"].p_value == 1e-4
    assert together["within"].p_value == 1.0


def test_splits_do_not_mix_and_unmarked_images_have_no_peers() -> None:
    known = images(("", "")) + images(("", ""), ("", ""), split="held_out")
    known.append({**known[0], "id": "none", "key_group": "none", "key": None})
    assert [units for units, _ in groups(known)] == [
        ["held_out0", "held_out1"],
        ["trained0"],
    ]


def test_a_key_that_is_left_alone_is_compared_with_the_whole_split() -> None:
    known = images(("", "cat"), ("", "cat"), ("", "dog"))
    together = peers(known)
    alone = together.pools[together.of_image[2]]
    assert tuple(alone.units.to_pylist()) == ("trained0", "trained1", "trained2")


def test_copies_that_share_a_key_count_once() -> None:
    known = images(("", ""), ("", ""))
    known.append({**known[0], "id": "copy"})
    (pool,) = peers(known).pools
    assert tuple(pool.units.to_pylist()) == ("trained0", "trained1")
    assert pool.weights.sum(axis=1).tolist() == [2.0, 2.0]


def test_rows_alone_show_the_groups_that_were_asked() -> None:
    keys = np.array([[0.0], [0.2], [0.2], [1.0]])
    pools = pools_of_rows(["a", "b", "b", "c"], keys, [0, 0, 0, 7])
    found = {number: pool.units.to_pylist() for number, pool in pools.items()}
    assert found == {0: ["a", "b"], 7: ["c"]}


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 7), st.integers(2, 5), st.integers(0, 2**31))
def test_the_p_value_is_that_of_all_ways_to_hand_out_the_greys(
    count: int, units: int, seed: int
) -> None:
    generator = np.random.default_rng(seed)
    keys = generator.integers(256, size=(units, count)) / 255
    pool = Pool(tuple("abcde"[:units]), keys)
    read = generator.choice([0.0, 0.5, 1.0], count) if seed % 2 else generator.random(count)
    found = statistic_p_values("l1", keys, np.tile(read, (units, 1)), weights=pool.weights)
    gaps = np.abs(keys - read)
    every = np.array([sum(ways) for ways in itertools.product(*gaps.T.tolist())])
    exact = [(every <= own + 1e-9).mean() for own in gaps.sum(axis=1)]
    np.testing.assert_allclose(found, exact, rtol=1e-9)


def test_the_convolution_of_exchanged_keys_against_draws() -> None:
    generator = np.random.default_rng(0)
    keys = generator.integers(256, size=(12, 16))
    weights = np.stack([np.bincount(column, minlength=256) for column in keys.T]).astype(float)
    read = keys[0] / 255 + 0.35 * generator.standard_normal(16)
    costs = np.abs(np.arange(256) / 255 - read[:, None])
    (p,) = additive_p_values(costs[None], keys[:1], weights)
    draws = np.stack([generator.choice(column, 400_000) for column in keys.T], axis=1)
    sums = costs[np.arange(16), draws].sum(axis=1)
    share = (sums <= costs[np.arange(16), keys[0]].sum() + 1e-9).mean()
    assert 1e-4 < share < 0.1
    # Three standard deviations of the draws, and the .4 % that rounding may add.
    noise = 3 * np.sqrt(share / 400_000)
    assert share - noise <= p <= 1.004 * share + noise


def test_a_level_that_no_peer_has_is_never_drawn() -> None:
    weights = np.zeros((1, 256))
    weights[0, [10, 20]] = 1
    costs = np.arange(256.0)[None, None]
    found = [additive_p_values(costs, np.array([[level]]), weights)[0] for level in (9, 10, 15, 20)]
    assert found == [0.0, 0.5, 0.5, 1.0]


@pytest.mark.parametrize("size", [2, 4, 8, 20])
@pytest.mark.parametrize("known", ["mean", "spread"])
def test_a_model_that_knows_the_average_of_a_group_names_nobody(size: int, known: str) -> None:
    """The null of every p here: readings made of the greys of a group at each place, and of noise.

    With keys drawn anew (`weights` left out) the same readings are far below chance.
    """
    generator = np.random.default_rng(size)
    exchanged, anew = [], []
    for _ in range(4000 // size):
        keys = generator.integers(256, size=(size, 6)) / 255
        read = np.tile(keys.mean(axis=0), (size, 1))
        if known == "spread":
            read = read + keys.std(axis=0) * generator.standard_normal((size, 6))
        read = read.clip(0, 1)
        weights = Pool(tuple(map(str, range(size))), keys).weights
        exchanged += statistic_p_values("l1", keys, read, weights=weights).tolist()
        anew += statistic_p_values("l1", keys, read).tolist()
    for level in (0.01, 0.05, 0.2):
        # Keys of one group hang together: three standard deviations of half as many images.
        noise = 3 * np.sqrt(2 * level * (1 - level) / len(exchanged))
        assert np.mean(np.array(exchanged) <= level) <= level + noise
    if size <= 4 and known == "mean":
        assert np.mean(np.array(anew) <= 0.05) > 0.1
