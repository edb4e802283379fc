"""A million rows are a few arrays: what scoring holds for each further row is counted."""

from collections.abc import Callable
from importlib import import_module

import numpy as np
import pyarrow as pa
import pytest
from growing import bytes_a_row

from solidmark.measures.audit.comparing import changes_between
from solidmark.measures.audit.naming import named_csv
from solidmark.scores import aggregate, eidetic, paired, score_table
from solidmark.scores.columns import lists
from solidmark.scores.scored import AT_ONCE, scores_of

KEYS = 8
COUNTS = import_module("solidmark.scores.eidetic")  # Not the function of this name.
FEW, MANY = 1500, 4500
PARTS = (
    ("solidmark.scores.eidetic", "MEAN_OF", 64),
    ("solidmark.scores.exchange", "_BLOCK", 64),
    ("solidmark.scores.roc", "_CELLS_AT_ONCE", 2**14),
    ("solidmark.scores.own_key", "CELLS", 2**14),
    ("solidmark.scores.scored", "AT_ONCE", 256),
    ("solidmark.scores.subjects", "_KEYS_AT_ONCE", 64),
    ("solidmark.measures.audit.naming", "AT_ONCE", 256),
)


def tables(count: int, memory: float = 0.0) -> tuple[pa.Table, pa.Table]:
    """Evidence and keys of so many images, a tenth of them held out, by arrays."""
    rng = np.random.default_rng(count)
    ids = pa.array([f"pictures/{number:09d}.png" for number in range(count)])
    split = pa.array(np.where(np.arange(count) % 10 == 0, "held_out", "trained").tolist())
    key = rng.integers(256, size=(count, KEYS)) / 255
    known = (rng.random(count) < memory)[:, None]
    read = np.where(known, key, rng.random((count, KEYS)))
    keys = {"id": ids, "split": split, "group": pa.nulls(count, pa.string()), "key_group": ids}
    evidence = {
        "reader": pa.array(["blend"] * count),
        "split": split,
        "id": ids,
        "repeat": pa.array(np.zeros(count, dtype=np.int64)),
        "key_read": lists(read),
        "status": pa.array(["ok"] * count),
        "note": pa.array([""] * count),
    }
    return pa.table(evidence), pa.table({**keys, "key": lists(key)})


def scoring(count: int) -> Callable[[], object]:
    evidence, keys = tables(count)
    return lambda: score_table(evidence, keys)


def counting(count: int) -> Callable[[], object]:
    evidence, keys = tables(count)
    scores = score_table(evidence, keys)
    return lambda: aggregate(scores, calls={}, keys=keys)


def naming(count: int) -> Callable[[], object]:
    evidence, keys = tables(count, memory=0.5)
    scores = scores_of(score_table(evidence, keys))
    return lambda: named_csv(scores, lambda ids: dict.fromkeys(ids, "a.png"), ("blend",), 0.05)


def two(count: int) -> tuple[pa.Table, pa.Table]:
    """The scores of two audits of the same images."""
    keys = tables(count)[1]
    one, other = (score_table(tables(count, memory)[0], keys) for memory in (0.0, 0.1))
    return one, other


def pairing(count: int) -> Callable[[], object]:
    both = two(count)
    return lambda: paired(*both)


def telling(count: int) -> Callable[[], object]:
    both = two(count)
    return lambda: changes_between(*both, 0.05)


def grouping(count: int) -> Callable[[], object]:
    evidence, keys = tables(count)
    groups = pa.array([f"patient {number // 4}" for number in range(count)])
    keys = keys.set_column(keys.schema.get_field_index("group"), "group", groups)
    return lambda: score_table(evidence, keys)


@pytest.mark.parametrize(
    ("work", "most"),
    # Of a row, a key and a reading are 8 doubles each: 128 bytes.
    [
        (scoring, 1500),
        (grouping, 1600),
        (counting, 800),
        (naming, 600),
        (pairing, 1800),
        (telling, 1400),
    ],
    ids=["scores", "subjects", "figures", "names", "two audits", "changes"],
)
def test_a_row_more_is_a_few_numbers_more(
    work: Callable[[int], Callable[[], object]], most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What is held for a part of the rows at a time is as much for both sizes.
    for where, name, value in PARTS:
        monkeypatch.setattr(import_module(where), name, value)
    assert bytes_a_row(work, FEW, MANY) < most


def test_a_score_is_made_of_the_row_that_is_looked_at() -> None:
    evidence, keys = tables(AT_ONCE + 5, memory=0.5)
    evidence = evidence.slice(0, AT_ONCE + 5)
    table = score_table(evidence.slice(0, 40), keys)
    scores = scores_of(table)
    assert [score.id for score in scores] == table["id"].to_pylist()
    best = min(scores, key=lambda score: score.rank)
    (found,) = scores.rows(scores.ranked(np.arange(len(scores)), 1))
    assert found == best
    assert {score.id for score in scores.find({best.id}, ("trained", "held_out"))} == {best.id}


def test_the_mean_chance_of_many_rows_is_that_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    read, distance = rng.random((600, 4)), rng.random(600)
    (every,) = eidetic(distance, read, deltas=[0.1])
    monkeypatch.setattr(COUNTS, "MEAN_OF", 300)
    (some,) = eidetic(distance, read, deltas=[0.1], tested=False)
    assert (some.count, some.share, some.ci_low) == (every.count, every.share, every.ci_low)
    assert some.chance == pytest.approx(every.chance, rel=0.1)
    assert some.p_value is None
