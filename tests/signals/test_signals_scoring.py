"""The pure half: from evidence to names, areas and agreement, at controls and by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from breaking import held
from scipy import stats
from sklearn.metrics import roc_auc_score

from solidmark.errors import BadInput, EmptyTable, NotFound, RunConflict
from solidmark.marks import Marked
from solidmark.measures.signals import Measuring, measure_signals, score_signals
from solidmark.measures.signals.kinds import Loss, Magnitude, Spread
from solidmark.measures.signals.measuring import EVIDENCE
from solidmark.runs import open_run, write_rows
from solidmark.scores.ranks import spearman
from solidmark.subjects.whose import FILE, GROUPS

CARDS = {"loss": Loss().card, "spread": Spread().card, "magnitude": Magnitude().card}


def write_evidence(out: Path, rows: list[dict[str, Any]]) -> Path:
    """A finished folder that holds these values."""
    run = open_run(out, "signals", {"seed": 3})
    usual = {"network_calls": 2.0, "status": "ok", "note": "", "prompt": None, "contrast": 0.3}
    full = [usual | {"content": f"{row['split']} {row['id']}"} | row for row in rows]
    columns = {name: [row[name] for row in full] for name in EVIDENCE.names}
    pq.write_table(pa.table(columns, schema=EVIDENCE), out / "signals.parquet")
    names = dict.fromkeys(row["signal"] for row in rows)
    run.finish(signals={name: vars(CARDS[name]) for name in names}, left_out={})
    return out


def rows_of(name: str, split: str, found: Any) -> list[dict[str, Any]]:
    return [
        {"signal": name, "split": split, "id": f"{number:03d}", "value": float(value)}
        for number, value in enumerate(found)
    ]


def scores(out: Path, **which: object) -> list[dict[str, Any]]:
    rows = pq.read_table(out / "scores.parquet").to_pylist()
    return [row for row in rows if which.items() <= row.items()]


def statistic(results: dict[str, Any], name: str, **which: object) -> dict[str, Any]:
    wanted = {"statistic": name, **which}
    (row,) = [row for row in results["rows"] if wanted.items() <= row.items()]
    return dict(row)


def test_the_memorizer_is_caught(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    marked = make_marked(60, side=12, digits=True)
    out = tmp_path / "out"
    measure_signals(Measuring("memorizer", str(marked.folder), out, ("loss", "spread")))
    results = score_signals(out, fprs=(0.1,))
    assert statistic(results, "auc")["value"] > 0.99
    assert statistic(results, "named")["count"] == 30
    assert statistic(results, "tpr_at_fpr")["value"] == 1
    low, high = (statistic(results, "mean", split=s)["value"] for s in ("trained", "held_out"))
    assert low < 0.1 * high
    assert results == held(out / "results.json")
    assert "activations" in results["left_out"]["spread"]


def test_the_gaussian_is_at_chance(make_marked: Callable[..., Marked], tmp_path: Path) -> None:
    marked = make_marked(300, side=4, digits=True)
    out = tmp_path / "out"
    measure_signals(Measuring("gaussian", str(marked.folder), out, ("loss",)))
    results = score_signals(out)
    area = statistic(results, "auc")
    assert 0.42 < area["value"] < 0.6
    assert area["p_value"] > 0.005
    assert statistic(results, "named")["count"] == 0


@pytest.mark.parametrize("name", ["loss", "spread"])
def test_the_numbers_are_those_of_numpy_and_of_sklearn(name: str, tmp_path: Path) -> None:
    draws = np.random.default_rng(0)
    trained, null = draws.normal(3, 1, 40), draws.normal(3.5, 1, 30)
    rows = rows_of(name, "trained", trained) + rows_of(name, "held_out", null)
    out = write_evidence(tmp_path / "out", rows)
    results = score_signals(out, fprs=(0.1,), fdr=0.2)
    sign = -1 if name == "loss" else 1  # High = memorized.
    area = roc_auc_score([1] * 40 + [0] * 30, sign * np.concatenate([trained, null]))
    found = statistic(results, "auc")
    assert found["value"] == pytest.approx(area)
    assert found["ci_low"] < area < found["ci_high"]
    test = stats.mannwhitneyu(sign * trained, sign * null, alternative="greater")
    assert found["p_value"] == pytest.approx(test.pvalue, rel=0.05)
    rate = statistic(results, "tpr_at_fpr")["value"]
    bar = np.sort(sign * null)[-4]  # Three of thirty may lie beyond it.
    assert rate == pytest.approx((sign * trained > bar).mean())
    p = [(1 + (sign * null >= sign * value).sum()) / 31 for value in trained]
    shown = scores(out, split="trained")
    assert [row["p_value"] for row in shown] == pytest.approx(p)
    assert [row["q_value"] for row in shown] == pytest.approx(stats.false_discovery_control(p))
    assert [row["value"] for row in shown] == pytest.approx(trained)
    mean = statistic(results, "mean", split="trained")
    assert mean["value"] == pytest.approx(trained.mean())
    assert mean["unit"] == CARDS[name].unit
    assert mean["ci_low"] < mean["value"] < mean["ci_high"]
    assert {row["network_calls_per_image"] for row in results["rows"]} == {2.0}
    threshold = statistic(results, "threshold")["value"]
    assert (sign * null >= sign * threshold).sum() == 2
    # A second scoring keeps the options of the first.
    assert score_signals(out) == results


def test_signals_agree_when_they_suspect_the_same(tmp_path: Path) -> None:
    draws = np.random.default_rng(1)
    loss = draws.normal(1, 0.1, 30)
    spread = -loss + draws.normal(0, 0.1, 30)
    rows = rows_of("loss", "trained", loss) + rows_of("spread", "trained", spread)
    rows[3]["status"], rows[3]["value"] = "failed", None
    out = write_evidence(tmp_path / "out", rows)
    found = statistic(score_signals(out), "spearman")
    kept = np.arange(30) != 3
    by_hand = stats.spearmanr(-loss[kept], spread[kept])
    assert (found["measure"], found["with"], found["n"]) == ("loss", "spread", 29)
    assert found["failed"] == 1
    assert found["value"] == pytest.approx(by_hand.statistic)
    assert found["value"] > 0.5
    assert found["p_value"] == pytest.approx(by_hand.pvalue)
    assert found["ci_low"] < found["value"] < found["ci_high"] < 1
    # Without held-out images nothing is judged.
    alone = statistic(score_signals(out), "mean", measure="loss")
    assert "held-out" in alone["note"]
    assert alone["value"] == pytest.approx(loss[kept].mean())
    assert not [row for row in scores(out) if row["p_value"] is not None]


def test_an_interval_of_a_rank_correlation_covers_it() -> None:
    draws = np.random.default_rng(2)
    rho = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's, of normal variables with r = 0.6.
    inside = 0
    for _ in range(400):
        pair = draws.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], 40)
        found = spearman(pair[:, 0], pair[:, 1])
        assert found is not None
        inside += found[1] <= rho <= found[2]
    assert 0.91 < inside / 400 < 0.985
    assert spearman(np.arange(3.0), np.arange(3.0)) is None
    assert spearman(np.ones(9), np.arange(9.0)) is None


def test_what_shares_a_value_counts_once(tmp_path: Path) -> None:
    rows = rows_of("loss", "trained", [1, 2, 3, 4]) + rows_of("loss", "held_out", [5, 6, 7])
    rows[2]["content"] = rows[0]["content"] = "twin"
    rows[6]["content"] = "twin"
    told = [row | {"signal": "magnitude", "value": 10 - row["value"]} for row in rows]
    for row, prompt in zip(told, "aabcdec", strict=True):
        row["prompt"] = prompt
    out = write_evidence(tmp_path / "out", [*rows, *told])
    results = score_signals(out, fdr=0.5)
    loss, magnitude = (scores(out, signal=name) for name in ("loss", "magnitude"))
    assert [row["copy_of"] for row in loss] == [None, None, "000", None, None, None, None]
    assert [row["status"] for row in loss] == ["ok"] * 6 + ["excluded"]
    assert "training image" in loss[6]["note"]
    assert loss[2]["p_value"] == loss[0]["p_value"]
    assert statistic(results, "named", measure="loss")["n"] == 3
    assert [row["copy_of"] for row in magnitude] == [None, "000", *[None] * 5]
    assert [row["status"] for row in magnitude] == ["ok"] * 6 + ["excluded"]
    assert "prompt" in magnitude[6]["note"]
    assert statistic(results, "auc", measure="magnitude")["n"] == 5
    assert statistic(results, "auc", measure="loss")["n"] == 5


def test_a_signal_that_is_the_wrong_way_round_is_said_to_be(tmp_path: Path) -> None:
    rows = rows_of("spread", "trained", range(40)) + rows_of("spread", "held_out", range(30, 70))
    results = score_signals(write_evidence(tmp_path / "out", rows))
    area = statistic(results, "auc")
    assert area["value"] < 0.1
    assert "direction" in area["note"]


def test_what_cannot_be_scored_is_refused(tmp_path: Path) -> None:
    rows = rows_of("loss", "trained", [1, 2])
    out = write_evidence(tmp_path / "out", rows)
    for options in ({"fdr": 0.0}, {"fprs": (1.0,)}):
        with pytest.raises(BadInput, match="above 0 and below 1"):
            score_signals(out, **options)  # type: ignore[arg-type]
    lost = [row | {"status": "failed", "value": None, "note": "cut short"} for row in rows]
    with pytest.raises(EmptyTable, match="No trained image"):
        score_signals(write_evidence(tmp_path / "lost", lost))
    (out / "signals.parquet").write_bytes(b"nothing")
    with pytest.raises(BadInput, match="not a readable table"):
        score_signals(out)
    (out / "signals.parquet").unlink()
    with pytest.raises(NotFound, match="no signals"):
        score_signals(out)
    open_run(tmp_path / "begun", "signals", {"seed": 0})
    with pytest.raises(RunConflict, match="not finished"):
        score_signals(tmp_path / "begun")


def test_subjects_count_beside_images(tmp_path: Path) -> None:
    """Four pictures of each subject: twelve held-out people show no rate below 1 in 13."""
    draws = np.random.default_rng(4)
    values = {"trained": draws.normal(size=48) + 19, "held_out": draws.normal(size=48) + 9}
    values["trained"][:16] = 0.0
    rows = [row for split, some in values.items() for row in rows_of("loss", split, some)]
    out = write_evidence(tmp_path / "out", rows)
    groups = [
        {"split": split, "id": f"{n:03d}", "group": f"{split} {n // 4}"}
        for split in values
        for n in range(48)
    ]
    write_rows(out / FILE, groups, GROUPS)
    results = score_signals(out, fprs=(0.1,), fdr=0.25)
    named = statistic(results, "named_subjects")
    assert (named["count"], named["n"], named["unit"]) == (4, 12, "subjects")
    found = scores(out, split="trained")
    assert {row["p_value"] for row in found[:16]} == {1 / 13}
    assert {(row["group"], row["group_p_value"]) for row in found[:4]} == {("trained 0", 1 / 13)}
    assert statistic(results, "threshold")["n"] == 12
    told = " ".join((results["verdict"]["headline"], *results["verdict"]["details"]))
    assert "show 12 and 12 subjects" in told
    assert "With 12 held-out subjects, no p-value is below 1 in 13" in told
    head = (out / "named.csv").read_text().splitlines()[0]
    assert head.endswith(",copy_of,group,group_p_value,group_q_value")
    assert all(one["p_value"] >= 1 / 13 for one in found)
