"""The rows of results.json: their names, their numbers, and their silence where there are none."""

import json
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from solidmark.errors import BadInput, EmptyTable
from solidmark.scores import (
    Exchange,
    correlation,
    eidetic,
    level_of,
    memorized_share,
    roc,
    score_table,
    smallest_named_share,
    smallest_share_by_best,
    smallest_share_by_exchange,
)
from solidmark.scores import aggregate as figures
from solidmark.scores.exchange import closeness, hits_within, products
from solidmark.scores.parts import parts_of

from .tables import Row, evidence_rows, fail, key_rows, table, with_energies, without_energies


def aggregate(scores: pa.Table, **options: Any) -> list[Row]:
    """The figures as they stand in the file."""
    return [figure.to_json() for figure in figures(scores, **options)]


ALWAYS = {
    *("measure", "reader", "split", "statistic", "n", "failed", "keys"),
    *("value", "unit", "direction"),
    *("chance", "ci_low", "ci_high", "p_value", "note"),
}
SOMETIMES = {
    *("count", "delta", "fpr", "chance_uniform", "chance_constant", "by"),
    *("expected_false", "fdr", "level", "groups", "smallest", "largest"),
    *("network_calls_per_image", "prior", "guesses"),
}


def scores_of(
    trained: int = 40, held_out: int = 30, keys: int = 1, memory: float = 0.7, repeats: int = 1
) -> pa.Table:
    rows = key_rows(trained, keys, held_out)
    evidence = evidence_rows(rows, memory=memory, repeats=repeats)
    evidence += evidence_rows(rows[:trained], memory=0.95, split="ceiling", seed=2)
    evidence += evidence_rows(rows, reader="outpaint", memory=0.0, repeats=repeats, seed=3)
    return score_table(table(evidence), table(rows))


def find(rows: list[Row], **wanted: Any) -> Row:
    found = [row for row in rows if all(row.get(name) == value for name, value in wanted.items())]
    assert len(found) == 1
    return found[0]


def columns(scores: pa.Table, reader: str, split: str) -> dict[str, np.ndarray]:
    rows = [row for row in scores.to_pylist() if row["reader"] == reader and row["split"] == split]
    names = ("distance", "key", "key_read", "p_value")
    return {name: np.array([row[name] for row in rows]) for name in names}


def exchange_of(scores: pa.Table, reader: str, split: str) -> Exchange:
    return parts_of(scores, "l1", 0)[reader, split].exchange(None)


@pytest.mark.parametrize("keys", [1, 4])
def test_the_rows_are_those_of_the_format(keys: int) -> None:
    rows = aggregate(scores_of(keys=keys), calls={"energy": 9.0, "outpaint": 250.0})
    json.dumps(rows, allow_nan=False)
    for row in rows:
        assert set(row) >= ALWAYS
        assert set(row) <= ALWAYS | SOMETIMES
        assert all(type(value) in (str, int, float, type(None)) for value in row.values())
        missing = [name for name in ("value", "ci_low", "ci_high", "p_value") if row[name] is None]
        assert not missing or row["note"]
        assert row["p_value"] is None or 0 < row["p_value"] <= 1
        if row["ci_low"] is not None:
            assert row["ci_low"] <= row["value"] <= row["ci_high"]
    energy = [(row["split"], row["statistic"]) for row in rows if row["reader"] == "energy"]
    four, usual = ["eidetic"] * 4, ["correlation", "permutation_z", "named", "share"]
    assert energy == [
        *(("trained", s) for s in [*four, *usual, "epsilon"]),
        *[("trained", "smallest_share")] * 3,
        *(("held_out", s) for s in [*four, *usual, "epsilon"]),
        *(("ceiling", s) for s in [*four, *usual]),
        *(("trained_vs_held_out", s) for s in ["auc", "tpr_at_fpr", "tpr_at_fpr"]),
    ]
    assert find(rows, reader="outpaint", split="trained", statistic="permutation_z")[
        "network_calls_per_image"
    ] == 250.0  # fmt: skip


def test_the_numbers_are_those_of_the_functions() -> None:
    scores = scores_of()
    rows = aggregate(scores, calls={})
    trained = columns(scores, "energy", "trained")
    held_out = columns(scores, "energy", "held_out")
    for count in eidetic(trained["distance"], trained["key_read"]):
        row = find(rows, reader="energy", split="trained", statistic="eidetic", delta=count.delta)
        assert (row["n"], row["count"], row["value"]) == (40, count.count, count.share)
        assert row["chance"] == count.chance
        assert (row["chance_uniform"], row["ci_low"]) == (count.chance_uniform, count.ci_low)
        assert (row["unit"], row["direction"]) == ("share", "high")
        assert "network_calls_per_image" not in row
    exchange = exchange_of(scores, "energy", "trained")
    z = find(rows, reader="energy", split="trained", statistic="permutation_z")
    assert (z["value"], z["p_value"]) == (exchange.z().value, exchange.tests(closeness)[0])
    exchange = exchange_of(scores, "energy", "held_out")
    r = correlation(held_out["key"], held_out["key_read"])
    of_counts, of_products = exchange.tests(hits_within(0.05), products)
    row = find(rows, reader="energy", split="held_out", statistic="correlation")
    assert (row["value"], row["p_value"], row["chance"]) == (r.value, of_products, 0.0)
    row = find(rows, reader="energy", split="held_out", statistic="eidetic", delta=0.05)
    assert row["p_value"] == of_counts
    area = roc(trained["p_value"], held_out["p_value"]).auc
    row = find(rows, reader="energy", statistic="auc")
    assert (row["n"], row["value"], row["p_value"]) == (70, area.value, area.p_value)
    assert row["chance"] == 0.5


def test_memory_is_seen_and_its_absence_too() -> None:
    scores = scores_of(keys=16, held_out=110)
    rows = aggregate(scores, calls={})
    for statistic in ("correlation", "permutation_z"):
        found = find(rows, reader="energy", split="trained", statistic=statistic)
        assert found["p_value"] == 1e-4  # the least that 9,999 exchanges can give
        for reader, split in (("energy", "held_out"), ("outpaint", "trained")):
            p = find(rows, reader=reader, split=split, statistic=statistic)["p_value"]
            assert p > 1e-3
    named = find(rows, reader="energy", split="trained", statistic="named")
    remembered = [
        row for row in scores.to_pylist()
        if (row["reader"], row["split"]) == ("energy", "trained") and row["distance"] < 0.02
    ]  # fmt: skip
    assert named["value"] == named["count"] == len(remembered) > 15
    assert named["p_value"] < 1e-20
    assert find(rows, reader="outpaint", split="trained", statistic="named")["p_value"] > 1e-3
    tpr = find(rows, reader="energy", statistic="tpr_at_fpr", fpr=0.01)
    assert tpr["value"] >= len(remembered) / 40
    assert tpr["chance"] == 0.01
    assert find(rows, reader="energy", statistic="tpr_at_fpr", fpr=0.001)["value"] is None


@pytest.mark.parametrize("correction", ["bh", "by"])
def test_what_could_have_been_seen_asks_the_reference(correction: str) -> None:
    scores = scores_of(keys=16)
    rows = aggregate(scores, calls={}, fdr=0.1, correction=correction)  # type: ignore[arg-type]
    p = columns(scores, "energy", "ceiling")["p_value"]
    near = exchange_of(scores, "energy", "ceiling").own_closeness()
    level = level_of(2)  # two readers share the level of the run
    expected = {
        "permutation": smallest_share_by_exchange(near, 40, alpha=level),
        "best": smallest_share_by_best(p, 40, alpha=level),
        "named": smallest_named_share(p, 40, 0.1, correction),  # type: ignore[arg-type]
    }
    for by, value in expected.items():
        row = find(rows, reader="energy", by=by, statistic="smallest_share")
        assert row["value"] == value
        assert row["level"] == level
        assert "found with an ideal memorizer" in row["note"]
        assert row["direction"] is row["chance"] is row["p_value"] is None
        unaided = find(rows, reader="outpaint", by=by, statistic="smallest_share")
        assert "for want of a reference" in unaided["note"]
    assert find(rows, reader="outpaint", by="best")["value"] == 1 / 40


def test_without_enough_ways_to_exchange_no_permutation_test_can_see() -> None:
    """Two pairs: four ways, so that p is 1/4 at least."""
    keys = [row | {"caption": "ab"[i // 2]} for i, row in enumerate(key_rows(4, 16))]
    scores = score_table(table(evidence_rows(keys)), table(keys))
    rows = aggregate(scores, calls={}, keys=table(keys))
    assert find(rows, by="permutation")["value"] is None
    assert find(rows, statistic="permutation_z")["p_value"] > 0.2
    assert find(rows, by="best")["value"] is not None


def test_groups_of_which_the_average_is_known() -> None:
    keys = [row | {"caption": f"{i // 4}"} for i, row in enumerate(key_rows(40, 16, held_out=8))]
    rows = evidence_rows(keys, memory=0.0)
    for first in range(0, 20, 4):
        average = np.mean([key["key"] for key in keys[first : first + 4]], axis=0)
        for row in rows:
            if row["id"] in {key["id"] for key in keys[first : first + 4]}:
                row["key_read"] = average.tolist()
    scores = score_table(table(rows), table(keys))
    found = aggregate(scores, calls={}, keys=table(keys))
    row = find(found, statistic="averages", split="trained")
    assert (row["groups"], row["smallest"], row["largest"]) == (10, 4, 4)
    assert 3 <= row["count"] <= 6
    assert row["value"] == row["count"] / 10
    assert row["p_value"] < 1e-3
    assert find(found, statistic="averages", split="held_out")["p_value"] > 1e-3
    for split in ("trained", "held_out"):
        for statistic in ("permutation_z", "named"):
            assert find(found, statistic=statistic, split=split)["p_value"] > 1e-3


def test_the_share_and_how_many_names_may_be_wrong() -> None:
    scores = scores_of(keys=16, memory=0.5)
    rows = aggregate(scores, calls={}, fdr=0.1)
    trained = columns(scores, "energy", "trained")
    share = memorized_share(trained["p_value"])
    row = find(rows, reader="energy", split="trained", statistic="share")
    assert (row["value"], row["ci_low"], row["ci_high"]) == (
        share.value,
        share.ci_low,
        share.ci_high,
    )
    remembered = (trained["distance"] < 0.02).mean()
    assert 0 < row["ci_low"] <= remembered <= row["ci_high"]
    assert (row["unit"], row["direction"], row["chance"]) == ("share", "high", 0.0)
    assert "Biased low" in row["note"]
    assert find(rows, reader="energy", split="held_out", statistic="share")["ci_low"] == 0.0
    assert find(rows, reader="energy", split="ceiling", statistic="share")["ci_low"] > 0.7
    named = find(rows, reader="energy", split="trained", statistic="named")
    assert named["expected_false"] == pytest.approx(0.1 * named["count"])
    assert named["count"] > 10


def test_a_reader_without_energies_says_what_its_p_values_rank() -> None:
    keys = key_rows(20, held_out=20)
    evidence = with_energies(evidence_rows(keys)) + without_energies(
        evidence_rows(keys, reader="outpaint", memory=0.0)
    )
    scores = score_table(table(evidence), table(keys), "energy")
    rows = aggregate(scores, calls={}, statistic="energy")
    ranked = {"named", "share", "auc", "tpr_at_fpr", "smallest_share"}
    for row in rows:
        made_of_p = row["statistic"] in ranked
        told = "keeps no energies" in (row.get("note") or "")
        assert told == (made_of_p and row["reader"] == "outpaint"), row


def test_the_order_of_the_rows_and_the_other_readers_change_nothing() -> None:
    scores = scores_of(repeats=2)
    before = scores.to_pylist()
    rows = aggregate(scores, calls={}, seed=3)
    shuffled = scores.take(np.random.default_rng(0).permutation(scores.num_rows))
    assert aggregate(shuffled, calls={}, seed=3) == rows
    alone = scores.filter(pa.compute.equal(scores["reader"], "outpaint"))
    # What could have been seen is asked at the level of the run, which its readers share.
    own, both = (
        [row for row in found if row["reader"] == "outpaint" and row.get("level") is None]
        for found in (aggregate(alone, calls={}, seed=3), rows)
    )
    assert own == both
    assert aggregate(scores, calls={}, seed=4) != rows
    assert scores.to_pylist() == before


def test_repeats_of_one_image_are_not_more_images() -> None:
    once = aggregate(scores_of(memory=1.0), calls={})
    often = aggregate(scores_of(memory=1.0, repeats=4), calls={})
    one, four = (
        find(rows, reader="energy", split="trained", statistic="eidetic", delta=0.05)
        for rows in (once, often)
    )
    assert (one["n"], four["n"], four["count"]) == (40, 160, 160)
    assert four["ci_low"] == pytest.approx(one["ci_low"])
    assert four["p_value"] == one["p_value"] == 1e-4
    for statistic in ("named", "share", "permutation_z"):
        found = find(often, reader="energy", split="trained", statistic=statistic)
        assert (found["n"], found["failed"]) == (40, 0)


def test_absent_splits_have_no_rows_and_failed_ones_say_so() -> None:
    keys = key_rows(10, held_out=10)
    rows = [
        fail(row) if row["split"] == "held_out" or row["id"].endswith("3.png") else row
        for row in evidence_rows(keys)
    ]
    found = aggregate(score_table(table(rows), table(keys)), calls={})
    assert {row["split"] for row in found} == {"trained", "held_out", "trained_vs_held_out"}
    for row in found:
        expected = {"trained": (9, 1), "held_out": (0, 10), "trained_vs_held_out": (9, 11)}
        assert (row["n"], row["failed"]) == expected[row["split"]]
        if row["split"] != "trained":
            assert row["value"] is row["ci_low"] is row["p_value"] is None
            assert "scored" in row["note"]


def test_a_reader_that_always_says_the_same() -> None:
    keys = key_rows(30)
    rows = [row | {"key_read": [0.5]} for row in evidence_rows(keys)]
    found = aggregate(score_table(table(rows), table(keys)), calls={})
    silent = find(found, statistic="correlation")
    assert silent["value"] is None
    assert "constant" in silent["note"]
    still = find(found, statistic="permutation_z")
    assert (still["value"], still["p_value"]) == (0.0, 1.0)


def test_one_image_is_enough_to_be_counted() -> None:
    keys = key_rows(1, held_out=1)
    found = aggregate(score_table(table(evidence_rows(keys)), table(keys)), calls={})
    json.dumps(found, allow_nan=False)
    assert find(found, split="trained", statistic="eidetic", delta=0.1)["value"] == 1.0


def test_nothing_to_aggregate() -> None:
    keys = key_rows(3)
    failed = score_table(table([fail(row) for row in evidence_rows(keys)]), table(keys))
    with pytest.raises(EmptyTable):
        aggregate(failed, calls={})
    with pytest.raises(EmptyTable):
        aggregate(failed.slice(0, 0), calls={})
    with pytest.raises(BadInput, match="p_value"):
        aggregate(failed.drop_columns("p_value"), calls={})
