"""The place of the own key: as a naive loop counts it, and uniform when nothing is known."""

from dataclasses import asdict
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from solidmark.scores import own_key
from solidmark.scores.own_key import CHUNK, Name, OwnKey
from solidmark.scores.scored import Score, scores_of

LEVELS = np.arange(256) / 255


def score(id: str, key: Any, read: Any, split: str = "trained", group: str = "") -> Score:
    return Score(
        reader="gradient",
        split=split,
        id=id,
        repeat=0,
        ok=read is not None,
        note="",
        group=None,
        key_group=group or id,
        key=tuple(key),
        key_read=None if read is None else tuple(read),
        distance=None,
        p_value=None,
        q_value=None,
        exposure_bits=None,
    )


def own_keys(scores: list[Score], asked: list[Score]) -> dict[Name, OwnKey]:
    """The place of the own key of some rows, from a table of all."""
    rows = [{**asdict(one), "status": "ok" if one.ok else "failed"} for one in scores]
    return own_key.own_keys(scores_of(pa.Table.from_pylist(rows)), asked)


def naive(scores: list[Score], row: Score) -> tuple[int, int, str, float]:
    """Rank, number of keys, nearest other and its distance, one comparison after the other."""
    assert row.key_read is not None
    pairs = {}
    for other in sorted(scores, key=lambda s: s.id):
        gap = sum(abs(k - r) for k, r in zip(other.key, row.key_read, strict=True)) / len(row.key)
        pairs.setdefault(other.key_group, (gap, other.id))
    own = pairs.pop(row.key_group)[0]
    rank = 1 + sum(gap <= own + 1e-9 for gap, _ in pairs.values())
    gap, other_id = min(pairs.values())
    return rank, len(pairs) + 1, other_id, gap


@pytest.mark.parametrize("keys", [1, 3, 16])
def test_ranks_are_those_of_a_naive_loop(keys: int) -> None:
    rng = np.random.default_rng(keys)
    count = CHUNK + 20
    own = rng.integers(0, 256, (count, keys)) / 255
    # The last twenty are copies of the first: they share a key.
    own[-20:] = own[:20]
    reads = np.where(rng.random((count, 1)) < 0.5, own, rng.random((count, keys)))
    scores = [
        score(f"{i:04d}", own[i], reads[i], "held_out" if i % 3 else "trained", f"g{i % CHUNK}")
        for i in range(count)
    ]
    found = own_keys(scores, scores)
    assert len(found) == count
    for row in scores:
        rank, of, other, gap = naive(scores, row)
        near = found[row.name]
        assert (near.rank, near.of) == (rank, of) == (rank, CHUNK)
        assert near.other_distance == pytest.approx(gap, abs=1e-12)
        # Of keys equally near, any may be told.
        told = next(s for s in scores if s.id == near.other)
        assert naive([told, row], row)[3] == pytest.approx(gap, abs=1e-12)
        if keys > 1:
            assert near.other == other


def test_without_memory_every_place_is_equally_likely() -> None:
    rng = np.random.default_rng(0)
    scores = [score(f"{i:04d}", rng.integers(0, 256, 8) / 255, rng.random(8)) for i in range(1000)]
    found = own_keys(scores, scores)
    shares = [found[s.name].rank / found[s.name].of for s in scores]
    assert stats.kstest(shares, "uniform").pvalue > 0.01


def test_rows_of_all_readers_hold_one_key_an_image() -> None:
    rows = [score("a", [0.0], [0.1]), score("b", [1.0], [0.9])]
    twice = [*rows, *(score(s.id, s.key, s.key_read, s.split) for s in rows)]
    assert {near.of for near in own_keys(twice, rows).values()} == {2}


def test_a_row_that_was_not_read_has_no_place_and_an_only_image_no_other() -> None:
    assert own_keys([score("a", [0.5], None)], [score("a", [0.5], None)]) == {}
    alone = score("a", [0.5], [0.4])
    (near,) = own_keys([alone], [alone]).values()
    assert (near.rank, near.of, near.other) == (1, 1, "")


def test_of_many_readings_each_is_compared_with_keys_that_were_drawn(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(own_key, "PAIRS", 2_000_000)
    rng = np.random.default_rng(1)
    count = 2000
    scores = [score(f"{i:04d}", rng.integers(0, 256, 8) / 255, rng.random(8)) for i in range(count)]
    found = own_keys(scores, scores)
    assert {near.of for near in found.values()} <= {1000, 1001}
    shares = [near.rank / near.of for near in found.values()]
    assert stats.kstest(shares, "uniform").pvalue > 0.01
    # Of a key that was drawn, or not, the distance is its own.
    assert all(
        found[s.name].distance == pytest.approx(np.abs(np.subtract(s.key, s.key_read)).mean())
        for s in scores
    )


@pytest.mark.parametrize(
    ("rank", "words"),
    [(1, "nearest"), (2, "2nd nearest"), (11, "11th nearest"), (1023, "1,023rd nearest")],
)
def test_places_have_their_words(rank: int, words: str) -> None:
    assert OwnKey(rank, 2000, 0.1, "x", 0.0).place == words
