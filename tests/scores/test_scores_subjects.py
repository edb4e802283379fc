"""One p a subject: valid whatever its pictures have in common, and able to see what they share."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from solidmark.scores import SCORES, aggregate, q_values, score_table
from solidmark.scores.once import one_p
from solidmark.scores.statistics import Statistic, statistic_p_values
from solidmark.scores.subjects import SUBJECTS

from .tables import Row, evidence_rows, fail, key_rows, table, with_energies

SIZES = (1, 2, 3, 5)
"""Pictures of a subject, in turn."""


def grouped(rows: list[Row], sizes: tuple[int, ...] = SIZES) -> list[Row]:
    """Gives images groups of these sizes, in turn; those of size 1 have no group."""
    found: list[list[Row]] = []
    place = 0
    while place < len(rows):
        size = sizes[len(found) % len(sizes)]
        found.append(rows[place : place + size])
        place += size
    for number, some in enumerate(found):
        for row in some if len(some) > 1 else ():
            row["group"] = f"patient {number}"
    return rows


def once(scores: pa.Table) -> dict[str, tuple[float, float]]:
    """The p- and q-value of each subject, by its group or the id of its image."""
    found: dict[str, set[tuple[float, float]]] = {}
    for row in scores.to_pylist():
        if row["status"] == "ok":
            pair = row["group_p_value"], row["group_q_value"]
            found.setdefault(row["group"] or row["id"], set()).add(pair)
    assert all(len(pairs) == 1 for pairs in found.values())
    return {name: pairs.pop() for name, pairs in found.items()}


def test_without_groups_nothing_is_added() -> None:
    keys = key_rows(6)
    assert score_table(table(evidence_rows(keys)), table(keys)).schema == SCORES


def test_a_subject_by_hand() -> None:
    keys = grouped(key_rows(11, 4))
    scores = score_table(table(evidence_rows(keys, memory=0.0)), table(keys))
    assert scores.schema.names == [*SCORES.names, *SUBJECTS.names]
    rows = scores.to_pylist()
    levels = np.rint(255 * np.array([row["key"] for row in keys])).astype(int)
    weights = np.stack([np.bincount(column, minlength=256) for column in levels.T]).astype(float)
    found = once(scores)
    expected = []
    for name in found:
        own = [row for row in rows if (row["group"] or row["id"]) == name]
        key, read = (np.concatenate([row[n] for row in own])[None] for n in ("key", "key_read"))
        together = statistic_p_values("l1", key, read, weights=np.tile(weights, (len(own), 1)))
        each = [row["p_value"] for row in own]
        expected.append(float(one_p(together[0], min(each), len(each))))
    p = np.array([pair[0] for pair in found.values()])
    np.testing.assert_allclose(p, expected)
    np.testing.assert_allclose([pair[1] for pair in found.values()], q_values(p))
    alone = [row for row in rows if row["group"] is None]
    assert len(alone) == 1
    assert alone[0]["group_p_value"] == alone[0]["p_value"]


def test_failed_rows_and_order_cost_a_subject_nothing() -> None:
    keys = grouped(key_rows(11, 4))
    rows = evidence_rows(keys, memory=0.5, repeats=2)
    kept = once(score_table(table(rows), table(keys)))
    turned = once(score_table(table(rows[::-1]), table(keys[::-1])))
    assert {name: pytest.approx(pair) for name, pair in kept.items()} == turned
    rows[1:3] = map(fail, rows[1:3])
    scores = score_table(table(rows), table(keys))
    lost = [row for row in scores.to_pylist() if row["status"] == "failed"]
    assert {row["group_p_value"] for row in lost} == {None}


@pytest.mark.parametrize("statistic", ["l1", "fisher", "energy"])
@pytest.mark.parametrize("copies", [False, True])
def test_what_no_model_knows_has_a_valid_p(statistic: Statistic, copies: bool) -> None:
    """All pictures of a subject are read alike, the worst that they can have in common."""
    low: list[float] = []
    for run in range(72):
        keys = grouped(key_rows(24, 3, seed=run), (2, 4))
        if copies:  # The first two of each subject are one picture.
            for name in {row["group"] for row in keys}:
                first, second = [row for row in keys if row["group"] == name][:2]
                second |= {"key": first["key"], "key_group": first["key_group"]}
        rows = evidence_rows(keys, memory=0.0, seed=1000 + run)
        read = {row["id"]: row["key_read"] for row in rows}
        told = {row["group"]: read[row["id"]] for row in keys}
        group = {row["id"]: row["group"] for row in keys}
        rows = [row | {"key_read": told[group[row["id"]]]} for row in rows]
        if statistic == "energy":
            rows = with_energies(rows)
        found = once(score_table(table(rows), table(keys), statistic))
        low += [pair[0] for pair in found.values()]
    p = np.array(low)
    assert len(p) >= 500
    for level in (0.01, 0.05, 0.2):
        spread = np.sqrt(level * (1 - level) / len(p))
        assert (p <= level).mean() <= level + 3 * spread, level


def test_where_nothing_is_memorized_no_subject_is_named_more_often_than_said() -> None:
    named = 0
    for run in range(500):
        keys = grouped(key_rows(12, 2, seed=run), (2, 4))
        rows = evidence_rows(keys, memory=0.0, seed=5000 + run)
        found = once(score_table(table(rows), table(keys)))
        named += min(q for _, q in found.values()) <= 0.1
    assert named / 500 <= 0.1 + 3 * np.sqrt(0.09 / 500)


@pytest.mark.parametrize("which", ["one of its pictures", "all of them a little"])
def test_a_subject_that_is_known_is_named(which: str) -> None:
    keys = grouped(key_rows(64, 16), (4,))
    rows: list[Any] = evidence_rows(keys, memory=0.0)
    generator = np.random.default_rng(3)
    for number, (row, key) in enumerate(zip(rows[:4], keys[:4], strict=True)):
        share = 0.5 if which == "all of them a little" else float(number == 0)
        known = generator.random(16) < share
        row["key_read"] = np.where(known, key["key"], row["key_read"]).tolist()
    found = once(score_table(table(rows), table(keys)))
    assert [name for name, (_, q) in found.items() if q <= 0.05] == ["patient 0"]


def test_figures_count_subjects_beside_images() -> None:
    keys = grouped(key_rows(20, 16, held_out=20), (4,))
    scores = score_table(table(evidence_rows(keys)), table(keys))
    figures = {
        one.split: one
        for one in aggregate(scores, calls={}, keys=table(keys))
        if one.statistic == "named_subjects"
    }
    assert (figures["trained"].count, figures["trained"].n) == (5, 5)
    assert (figures["held_out"].count, figures["held_out"].n) == (0, 5)
    assert figures["trained"].unit == "subjects"
    assert figures["trained"].p_value is not None
