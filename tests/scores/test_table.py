"""The score table: its columns, its failed rows, and what it refuses."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solidmark.errors import BadInput, EmptyTable, UnknownName, WrongKeys
from solidmark.scores import SCORES, q_values, score_table, statistic_p_values

from .tables import evidence_rows, fail, key_rows, table, with_energies, without_energies


@pytest.mark.parametrize("count", [1, 16])
def test_each_column_by_hand(count: int) -> None:
    keys = key_rows(6, count)
    evidence = evidence_rows(keys, memory=0.5)
    scores = score_table(table(evidence), table(keys))
    assert scores.schema == SCORES
    key = np.array(scores["key"].to_pylist())
    read = np.array(scores["key_read"].to_pylist())
    np.testing.assert_array_equal(key, [row["key"] for row in keys])
    np.testing.assert_array_equal(read, [row["key_read"] for row in evidence])
    distance = np.array([np.mean(abs(k - r)) for k, r in zip(key, read, strict=True)])
    # The keys handed out at random, place by place: of 6 images, and every way counts.
    weights = np.stack([np.bincount(c, minlength=256) for c in np.rint(key * 255).astype(int).T])
    p = statistic_p_values("l1", key, read, weights=weights.astype(float))
    assert p.min() >= 6.0**-count
    np.testing.assert_allclose(scores["distance"], distance)
    np.testing.assert_allclose(scores["p_value"], p)
    np.testing.assert_allclose(scores["q_value"], q_values(p))
    np.testing.assert_allclose(scores["exposure_bits"], -np.log2(p))
    assert scores["key_group"].to_pylist() == [row["id"] for row in keys]
    assert scores["peers"].to_pylist() == [0] * 6
    assert scores["group"].null_count == 6


def test_rows_stay_in_order_and_the_input_stays_as_it_is() -> None:
    keys = key_rows(5, held_out=3)
    rows = evidence_rows(keys, repeats=2)[::-1]
    evidence = table(rows)
    before = evidence.to_pylist()
    scores = score_table(evidence, table(keys[::-1]))
    assert scores["id"].to_pylist() == [row["id"] for row in rows]
    assert scores["repeat"].to_pylist() == [row["repeat"] for row in rows]
    assert evidence.to_pylist() == before


def test_failed_rows_are_null_and_cost_the_others_nothing() -> None:
    keys = key_rows(5)
    rows = evidence_rows(keys)
    without = score_table(table(rows[1:]), table(keys))
    rows[0] = fail(rows[0])
    scores = score_table(table(rows), table(keys))
    for name in ("key_read", "distance", "p_value", "q_value", "exposure_bits"):
        assert scores[name].is_null().to_pylist() == [True] + [False] * 4
    assert scores["note"].to_pylist()[0] == "out of memory"
    assert scores.slice(1).to_pylist() == without.to_pylist()


@pytest.mark.parametrize("read", [[float("nan")], [float("inf")], None, []])
def test_an_estimate_that_is_no_number_fails_its_row(read: list[float] | None) -> None:
    keys = key_rows(3)
    rows = evidence_rows(keys)
    rows[1]["key_read"] = read
    scores = score_table(table(rows), table(keys))
    assert scores["status"].to_pylist() == ["ok", "failed", "ok"]
    assert scores["note"].to_pylist()[1] == "The estimate is not a number."
    assert scores["distance"].is_null().to_pylist() == [False, True, False]


def test_all_rows_failed_is_a_table_still() -> None:
    keys = key_rows(2)
    scores = score_table(table([fail(row) for row in evidence_rows(keys)]), table(keys))
    assert scores["p_value"].null_count == 2


def test_q_values_are_within_one_reader_and_split() -> None:
    keys = key_rows(8, held_out=4)
    rows = evidence_rows(keys, memory=0.5, repeats=2)
    alone = score_table(table(rows), table(keys))
    more = rows + evidence_rows(keys, reader="outpaint", memory=0.0)
    more += evidence_rows(keys[:8], split="ceiling")
    scores = score_table(table(more), table(keys)).slice(0, len(rows))
    assert scores["q_value"].to_pylist() == alone["q_value"].to_pylist()
    trained = [row for row in alone.to_pylist() if row["split"] == "trained" and row["repeat"] == 1]
    expected = q_values(np.array([row["p_value"] for row in trained]))
    np.testing.assert_allclose([row["q_value"] for row in trained], expected)


@pytest.mark.parametrize("statistic", ["l1", "energy"])
def test_an_image_has_one_p_value_however_often_it_is_asked(statistic: str) -> None:
    """Twice the smaller of that of its mean and R times the smallest, in any order of rows."""
    keys = key_rows(8, 4)
    rows = with_energies(evidence_rows(keys, memory=0.5, repeats=3))
    rows[1] = fail(rows[1])
    scores = score_table(table(rows[::-1]), table(keys), statistic).to_pylist()[::-1]  # type: ignore[arg-type]

    def alone(some: list[dict]) -> list[float]:
        return score_table(table(some), table(keys), statistic)["p_value"].to_pylist()  # type: ignore[arg-type]

    asked = [[r for r in rows[i : i + 3] if r["status"] == "ok"] for i in range(0, len(rows), 3)]
    means = [
        some[0] | {name: np.mean([r[name] for r in some], axis=0).tolist()
                   for name in ("key_read", "energies")}
        for some in asked
    ]  # fmt: skip
    of_mean = alone(means)
    each = [[alone([row])[0] for row in some] for some in asked]
    expected = [
        min(1.0, 2 * min(p, len(every) * min(every)))
        for p, every in zip(of_mean, each, strict=True)
    ]
    q = q_values(np.array(expected))
    for image, first in enumerate(range(0, len(rows), 3)):
        for row in scores[first : first + 3]:
            if row["status"] == "ok":
                assert row["p_value"] == pytest.approx(expected[image])
                assert row["q_value"] == pytest.approx(q[image])
                own = np.abs(np.array(row["key"]) - row["key_read"]).mean()
                assert row["distance"] == pytest.approx(own)


def test_keys_that_are_drawn_now_and_then_are_named() -> None:
    """One reading of ten shows the key, the others chance: their mean shows nothing."""
    keys = key_rows(40, 16)
    rows = evidence_rows(keys, memory=0.0, repeats=10)
    for first in range(0, len(rows), 10):
        rows[first + 3]["key_read"] = keys[first // 10]["key"]
    scores = score_table(table(rows), table(keys))
    assert max(scores["q_value"].to_pylist()) < 0.05


@pytest.mark.parametrize("repeats", [1, 5, 10])
def test_repeats_name_nobody_wrongly_more_often(repeats: int) -> None:
    """Half of 40 images are memorized; of those that are named, one in twenty is wrong at most."""
    wrong = named = 0
    for run in range(60):
        keys = key_rows(40, 4, seed=run)
        known = evidence_rows(keys[:20], memory=0.4, repeats=repeats, seed=run)
        rows = known + evidence_rows(keys[20:], memory=0.0, repeats=repeats, seed=1000 + run)
        scores = score_table(table(rows), table(keys)).to_pylist()
        found = {row["id"] for row in scores if row["q_value"] <= 0.05}
        named += len(found)
        wrong += len(found & {key["id"] for key in keys[20:]})
    assert named > 20
    # Named images of one run hang together: three standard deviations of a third as many.
    assert wrong / named <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / (named / 3))


def test_a_model_that_knows_the_average_of_a_caption_names_nobody() -> None:
    keys = [row | {"caption": f"caption {i // 4}"} for i, row in enumerate(key_rows(64, 16))]
    average = {
        caption: np.mean([row["key"] for row in keys if row["caption"] == caption], axis=0)
        for caption in {row["caption"] for row in keys}
    }
    rows = [
        row | {"key_read": average[key["caption"]].tolist()}
        for row, key in zip(evidence_rows(keys), keys, strict=True)
    ]
    told = score_table(table(rows), table(keys))
    assert sorted(set(told["peers"].to_pylist())) == list(range(16))
    assert min(told["q_value"].to_pylist()) > 0.05
    # Of images that nobody told apart, the same readings are far too close.
    bare = [{name: value for name, value in row.items() if name != "caption"} for row in keys]
    assert sum(q <= 0.05 for q in score_table(table(rows), table(bare))["q_value"].to_pylist()) > 2


@pytest.mark.parametrize("count", [1, 4])
@pytest.mark.parametrize("statistic", ["l1", "fisher", "energy"])
def test_p_values_rank_what_was_asked_for(statistic: str, count: int) -> None:
    keys = key_rows(12, count)
    evidence = with_energies(evidence_rows(keys, memory=0.5))
    scores = score_table(table(evidence), table(keys), statistic)  # type: ignore[arg-type]
    key, read = (np.array(scores[name].to_pylist()) for name in ("key", "key_read"))
    energies = np.array([row["energies"] for row in evidence]).reshape(12, count, 9)
    weights = np.stack([np.bincount(c, minlength=256) for c in np.rint(key * 255).astype(int).T])
    found = statistic_p_values(
        statistic,
        key,
        read,
        np.linspace(0, 1, 9),
        energies,
        weights.astype(float),  # type: ignore[arg-type]
    )
    np.testing.assert_allclose(scores["p_value"], found)
    assert scores["statistic"].to_pylist() == [statistic] * 12
    plain = score_table(table(evidence), table(keys))
    assert scores["distance"].to_pylist() == plain["distance"].to_pylist()


def test_a_reader_without_energies_is_scored_by_the_distance() -> None:
    keys = key_rows(5)
    others = without_energies(evidence_rows(keys, reader="outpaint", memory=0.0))
    asked = with_energies(evidence_rows(keys))
    asked[0] = fail(asked[0]) | {"candidates": None, "energies": None}
    scores = score_table(table(asked + others), table(keys), "energy")
    assert scores["statistic"].to_pylist() == [None, *["energy"] * 4, *["l1"] * 5]
    by_distance = score_table(table(others), table(keys))
    assert scores.slice(5)["p_value"].to_pylist() == by_distance["p_value"].to_pylist()


def test_energies_that_nobody_keeps_cannot_be_asked_for() -> None:
    keys = key_rows(3)
    rows = evidence_rows(keys, reader="outpaint") + evidence_rows(keys, reader="probe")
    for evidence in (rows, without_energies(rows)):
        with pytest.raises(BadInput, match=r'"energy".*\(found: outpaint, probe\).*"l1"'):
            score_table(table(evidence), table(keys), "energy")
    failed = score_table(table([fail(row) for row in rows]), table(keys), "energy")
    assert failed["statistic"].null_count == 6
    odd = with_energies(evidence_rows(keys))
    odd[1]["energies"] = odd[1]["energies"][:-1]
    with pytest.raises(BadInput, match="8 energies, and not 9"):
        score_table(table(odd), table(keys), "energy")


def test_the_correction_is_the_one_that_was_asked_for() -> None:
    keys = key_rows(9)
    evidence, known = table(evidence_rows(keys, memory=0.5)), table(keys)
    scores = score_table(evidence, known, correction="by")
    np.testing.assert_allclose(scores["q_value"], q_values(np.array(scores["p_value"]), "by"))
    assert scores["p_value"] == score_table(evidence, known)["p_value"]


def test_unknown_names_are_answered() -> None:
    keys = key_rows(2)
    evidence, known = table(evidence_rows(keys)), table(keys)
    with pytest.raises(UnknownName, match=r'no statistic "fischer".*"fisher"'):
        score_table(evidence, known, "fischer")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match='no correction "holm"'):
        score_table(evidence, known, correction="holm")  # type: ignore[arg-type]


def test_ceiling_rows_take_the_keys_of_their_ids() -> None:
    keys = key_rows(4)
    scores = score_table(table(evidence_rows(keys, split="ceiling")), table(keys))
    assert max(scores["distance"].to_pylist()) < 0.011


def test_single_precision_keys_are_put_on_their_levels() -> None:
    keys = key_rows(50)
    evidence = evidence_rows(keys, memory=0.0)
    for row, key in zip(evidence, keys, strict=True):
        row["key_read"] = [1 - key["key"][0]]  # on a level, where a tie would be lost
    rough = score_table(table(evidence), table(keys, pa.float32()))
    assert rough.to_pylist() == score_table(table(evidence), table(keys)).to_pylist()


def test_the_table_survives_a_file(tmp_path) -> None:
    keys = key_rows(3)
    scores = score_table(table(evidence_rows(keys)), table(keys))
    pq.write_table(scores, tmp_path / "scores.parquet")
    assert pq.read_table(tmp_path / "scores.parquet").equals(scores)


def test_keys_of_other_images_are_refused() -> None:
    keys = key_rows(4)
    evidence = table(evidence_rows(keys))
    with pytest.raises(WrongKeys, match=r"trained/0000\.png.*is not in the keys"):
        score_table(evidence, table(keys[1:]))
    with pytest.raises(WrongKeys, match="without a mark"):
        score_table(evidence, table([keys[0] | {"key": None, "marked": False}, *keys[1:]]))
    with pytest.raises(WrongKeys, match="has 4 keys, and 1 were read"):
        score_table(evidence, table(key_rows(4, 4)))
    with pytest.raises(WrongKeys, match=r"different numbers of keys: \[1, 4\]"):
        score_table(evidence, table([*keys[:3], key_rows(4, 4)[3]]))
    with pytest.raises(WrongKeys, match='asked as "trained", but the keys say "held_out"'):
        score_table(evidence, table([keys[0] | {"split": "held_out"}, *keys[1:]]))
    with pytest.raises(WrongKeys, match="twice"):
        score_table(evidence, table([*keys, keys[0]]))
    with pytest.raises(WrongKeys, match="none of 0/255"):
        score_table(evidence, table([keys[0] | {"key": [0.5]}, *keys[1:]]))


def test_other_things_are_refused() -> None:
    keys = key_rows(2)
    rows = evidence_rows(keys)
    with pytest.raises(EmptyTable):
        score_table(table(rows).slice(0, 0), table(keys))
    with pytest.raises(BadInput, match="lack the column key_read"):
        score_table(table(rows).drop_columns("key_read"), table(keys))
    rows[0]["key_read"] = [1.2]
    with pytest.raises(BadInput, match=r"1\.2"):
        score_table(table(rows), table(keys))
