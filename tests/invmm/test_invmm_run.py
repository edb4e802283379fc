"""Whole runs on the two controls: outcomes, restarts, budgets, triage, copies, broken images."""

import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from breaking import held
from invmms import SHORT, asked, assert_alike, by_id, files, table

from solidmark.data import open_data, to_picture
from solidmark.errors import BadInput, EmptyTable, MissingCapability, RunConflict, UnknownName
from solidmark.marks import Marked
from solidmark.measures.invmm import Budget, InvMM, invert, score_invmm
from solidmark.measures.invmm.inversion import Attempt, Inverter
from solidmark.randomness import generator
from solidmark.runs import read_json
from solidmark.subjects import TIE

LONG = replace(SHORT, steps=160)
BUDGET = 300
ROUND = math.ceil(SHORT.most_calls())
"""What a round of an image may take."""


@pytest.fixture
def marked(make_marked: Callable[..., Marked]) -> Path:
    """Four trained and four held-out digits."""
    return make_marked(8, digits=True).folder


def rows_of(results: dict[str, Any]) -> dict[tuple[str, str], Any]:
    return {(row["split"], row["statistic"]): row for row in results["rows"]}


def test_a_model_that_knows_every_image_gives_every_image_back(
    marked: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    assert invert(asked("memorizer", marked, out)).finished
    results = score_invmm(out)
    found = rows_of(results)
    assert found["trained", "reproduced"]["count"] == 4
    assert found["held_out", "reproduced"]["count"] == 0
    assert found["trained_vs_held_out", "auc"]["value"] == 1
    for row in table(out):
        kept = Attempt.from_file(out / row["attempt"])
        assert (kept.id, kept.split, kept.outcome) == (row["id"], row["split"], row["status"])
        assert kept.kl == row["kl"]
        assert math.isfinite(row["kl"]) == (row["split"] == "trained")
        assert (out / row["original"]).is_file()
        assert len(row["drawn"]) == SHORT.checked
        assert all((out / picture).is_file() for picture in row["drawn"])
    steps = {row["step"] for row in table(out, "paths")}
    assert steps <= set(range(10, 70, 10))
    assert "4 of 4 trained images were reproduced, against 0 of 4" in results["verdict"]["headline"]


def test_a_model_that_knows_none_gives_none_back(marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    invert(asked("gaussian", marked, out))
    found = rows_of(score_invmm(out))
    assert found["trained", "reproduced"]["count"] == found["held_out", "reproduced"]["count"] == 0
    assert found["trained", "spent"]["count"] == 4
    assert {row["steps"] for row in table(out)} == {60}
    assert all(row["best_similarity"] < 0.95 for row in table(out))


@pytest.mark.rounding
def test_the_same_seed_gives_the_same_files_and_other_slots_the_same_outcomes(
    marked: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    invert(asked("memorizer", marked, whole))
    again = tmp_path / "again"
    invert(asked("memorizer", marked, again))
    assert files(again) == files(whole)
    for slots in (1, 8):
        other = tmp_path / f"{slots}"
        invert(asked("memorizer", marked, other, batch_size=slots))
        assert_alike(other, whole)
    other = tmp_path / "seed"
    invert(asked("memorizer", marked, other, seed=1))
    assert [row["kl_end"] for row in table(other)] != [row["kl_end"] for row in table(whole)]


def test_scoring_is_a_function_of_the_evidence(marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    invert(asked("memorizer", marked, out))
    first = score_invmm(out, fprs=(0.25,))
    kept = files(out)
    assert score_invmm(out) == first
    assert files(out) == kept
    assert held(out / "results.json") == first
    (rate,) = [row for row in first["rows"] if row["statistic"] == "tpr_at_fpr"]
    assert (rate["fpr"], rate["value"]) == (0.25, 1.0)
    with pytest.raises(BadInput, match="--fdr"):
        score_invmm(out, fdr=0)


def test_restarts_have_noise_of_their_own_and_an_interval(marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    run = asked("memorizer", marked, out, restarts=3, splits=("trained",), inversion=LONG)
    invert(run)
    results = score_invmm(out)
    for id, row in by_id(out).items():
        kls = sorted(one["kl"] for one in table(out) if one["id"] == id)
        assert len(set(kls)) == 3
        assert (row["kl_low"], row["kl"], row["kl_high"]) == tuple(kls)
        assert (row["restarts"], row["reproduced"]) == (3, 3)
    assert "75 %" in rows_of(results)["trained", "kl"]["note"]
    assert results["verdict"]["finding"] == "no_null"


def test_a_budget_of_calls_is_never_passed_and_counts_what_was_not_tried(
    marked: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    for name in ("out", "again"):
        run = asked("gaussian", marked, tmp_path / name, budget=Budget(calls=BUDGET), batch_size=2)
        invert(run)
    assert files(tmp_path / "again") == files(out)
    states = [row["status"] for row in table(out)]
    assert states.count("not_tried") > 0
    spent = [row for row in table(out) if row["status"] == "spent"]
    assert len(spent) + states.count("not_tried") == 8
    assert len(spent) == 2
    calls = sum(row["network_calls"] for row in spent)
    assert BUDGET - ROUND < calls <= BUDGET
    cut = [row for row in spent if row["steps"] < 60]
    assert cut
    for row in cut:
        assert "budget of the run" in row["note"]
        assert row["best_similarity"] is not None
        assert row["kl_end"] > 0
    found = rows_of(score_invmm(out))
    untried = sum(found[split, "not_tried"]["count"] for split in ("trained", "held_out"))
    assert untried == states.count("not_tried")
    assert found["trained", "reproduced"]["n"] + found["held_out", "reproduced"]["n"] == len(spent)
    assert all(row["p_value"] is None for row in table(out, "scores") if not row["restarts"])


@pytest.mark.parametrize("checks", ["cheap", "full"])
@pytest.mark.parametrize("guidances", [(1.0,), (1.0, 2.0)])
@pytest.mark.parametrize("model", ["gaussian", "memorizer"])
def test_no_round_takes_more_than_is_said(
    model: str, guidances: tuple[float, ...], checks: Any, marked: Path
) -> None:
    inversion = replace(SHORT, steps=25, checks=checks, guidances=guidances)
    wanted = asked(model, marked, marked / "unused", inversion=inversion)
    subjects = wanted.open_subjects()
    found = wanted.open_model(subjects)
    inverter = Inverter(found, inversion, lambda a, b: torch.zeros(len(a)), None)
    samples = subjects.readable("trained", 2)
    attempts = [inverter.start(s, generator(0, s.id)) for s in samples]
    while any(one.outcome is None for one in attempts):
        after = inverter.advance(attempts, samples)
        for one, then in zip(attempts, after, strict=True):
            assert 0 < then.calls - one.calls <= inversion.most_calls(one.step) + 1e-6
        attempts = after


def test_a_budget_that_holds_no_round_is_refused_before_a_folder_is_made(
    marked: Path, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=f"takes up to {ROUND}. Give {ROUND} or more"):
        invert(asked("gaussian", marked, tmp_path / "out", budget=Budget(calls=ROUND - 1)))
    assert not (tmp_path / "out").exists()


def test_a_triage_that_would_eat_the_budget_says_so(marked: Path, tmp_path: Path) -> None:
    run = asked("gaussian", marked, tmp_path / "out", budget=Budget(calls=ROUND), triage="loss")
    with pytest.raises(BadInput, match="triage of 8 images takes about"):
        invert(run)


def test_a_budget_of_time_stops_too(marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    invert(asked("gaussian", marked, out, budget=Budget(seconds=1e-9), batch_size=2))
    assert [row["status"] for row in table(out)].count("spent") == 2
    assert {row["steps"] for row in table(out) if row["status"] == "spent"} == {10}


def test_a_budget_in_which_no_trained_image_was_tried_has_nothing_to_score(
    marked: Path, tmp_path: Path
) -> None:
    for seed in range(20):
        out = tmp_path / f"{seed}"
        invert(asked("gaussian", marked, out, budget=Budget(calls=ROUND), batch_size=1, seed=seed))
        (tried,) = [row for row in table(out) if row["status"] == "spent"]
        if tried["split"] == "held_out":
            break
    with pytest.raises(EmptyTable, match="larger --budget"):
        score_invmm(out)


BUDGETS = {"loss": 700, "energy": 700, "solidmark": 700}


@pytest.mark.parametrize("triage", sorted(BUDGETS))
def test_the_suspicious_are_tried_first_whatever_their_split(
    triage: str, marked: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    invert(
        asked(
            "memorizer",
            marked,
            out,
            triage=triage,
            budget=Budget(calls=BUDGETS[triage]),
            batch_size=4,
        )
    )
    rows = sorted(table(out), key=lambda row: row["triage_rank"])
    assert [row["triage_rank"] for row in rows] == list(range(1, 9))
    values = [row["triage_value"] for row in rows]
    assert values == sorted(values)
    tried = [row["status"] != "not_tried" for row in rows]
    assert tried == sorted(tried, reverse=True)
    assert 0 < sum(tried) < 8
    calls = sum(row["network_calls"] + row["triage_calls"] for row in rows)
    assert 0 < calls <= BUDGETS[triage]
    assert {row["split"] for row in rows[:4]} == {"trained"}  # The memorizer gives them away.
    assert all(row["triage_calls"] > 0 for row in rows)
    results = score_invmm(out)
    assert results["triage_calls"] == pytest.approx(sum(row["triage_calls"] for row in rows))
    assert rows_of(results)["trained", "rank_correlation"]["by"] == triage


def test_without_triage_both_splits_come_in_turn_by_chance(marked: Path, tmp_path: Path) -> None:
    orders = set()
    for seed in range(3):
        out = tmp_path / f"{seed}"
        invert(asked("gaussian", marked, out, seed=seed, budget=Budget(calls=ROUND)))
        rows = sorted(table(out), key=lambda row: row["triage_rank"])
        assert all(row["triage_value"] is None for row in rows)
        orders.add(tuple(row["split"] for row in rows))
    assert len(orders) > 1
    assert ("trained",) * 4 + ("held_out",) * 4 not in orders


def test_a_triage_that_the_model_cannot_answer_is_refused_before_a_folder_is_made(
    marked: Path, tmp_path: Path
) -> None:
    with pytest.raises(MissingCapability):
        invert(asked("memorizer", marked, tmp_path / "out", triage="magnitude"))
    inverted = replace(SHORT, prompt="inverted")
    with pytest.raises(MissingCapability):
        invert(asked("memorizer", marked, tmp_path / "out", inversion=inverted))
    assert not (tmp_path / "out").exists()


def write_pictures(folder: Path, numbers: list[int], copies: int = 1) -> Path:
    """Digits as files, each several times."""
    folder.mkdir()
    digits = open_data("digits", resolution=8, limit=40)
    for number in numbers:
        for copy in range(copies):
            to_picture(digits[number].image).save(folder / f"digit-{number:02}-{copy}.png")
    return folder


def test_a_broken_image_is_named_and_the_rest_goes_on(tmp_path: Path) -> None:
    images = write_pictures(tmp_path / "images", [0, 1, 2])
    held_out = write_pictures(tmp_path / "other", [3, 4, 5])
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and nothing more")
    out = tmp_path / "out"
    run = asked("memorizer", images, out, held_out=str(held_out), mode="L", restarts=2)
    invert(replace(run, inversion=LONG))
    results = score_invmm(out)
    row = by_id(out)["broken.png"]
    assert (row["status"], row["score"], row["p_value"]) == ("failed", None, None)
    assert "broken.png" in row["note"]
    found = rows_of(results)["trained", "reproduced"]
    assert (found["count"], found["n"], found["failed"]) == (3, 3, 1)
    assert results["failed"] == 1


def test_copies_are_inverted_once_and_a_held_out_copy_is_no_control(tmp_path: Path) -> None:
    images = write_pictures(tmp_path / "images", [0, 1, 2], copies=2)
    held_out = write_pictures(tmp_path / "other", [2, 3, 4])
    out = tmp_path / "out"
    invert(asked("memorizer", images, out, held_out=str(held_out), mode="L"))
    results = score_invmm(out)
    rows = by_id(out)
    for number in range(3):
        copy, first = rows[f"digit-0{number}-1.png"], rows[f"digit-0{number}-0.png"]
        assert (copy["copy_of"], first["copies"]) == (first["id"], 2)
        assert (copy["score"], copy["p_value"]) == (first["score"], first["p_value"])
        assert (copy["network_calls"], first["network_calls"] > 0) == (0, True)
    found = rows_of(results)
    assert found["trained", "reproduced"]["n"] == 3
    assert found["held_out", "reproduced"]["n"] == 2
    assert list(results["excluded"]) == ["digit-02-0.png"]
    assert "digit-02-0.png" in results["excluded"]["digit-02-0.png"]


def test_the_threshold_is_kept_with_the_rate_it_has(marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    invert(asked("gaussian", marked, out, threshold=None, fpr=0.2, budget=Budget(calls=ROUND)))
    kept = read_json(out / "threshold.json")
    assert (kept["pairs"], kept["fpr"], kept["rate"]) == (6, 0.2, pytest.approx(1 / 7))
    assert kept["rate_low"] < kept["rate"] < kept["rate_high"]
    found = by_id(out, "evidence")
    path = next(row["attempt"] for row in found.values() if row["attempt"])
    assert torch.isfinite(Attempt.from_file(out / path).mu).all()


@pytest.mark.parametrize(("given", "used"), [(1.0, 1 - TIE), (0.9, 0.9)])
def test_a_likeness_of_one_is_asked_for_up_to_rounding(
    given: float, used: float, marked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exact copy that falls short of 1 by its last digit is one."""
    inverters = []

    def inverter(*words: Any) -> Inverter:
        inverters.append(Inverter(*words))
        return inverters[-1]

    monkeypatch.setattr("solidmark.measures.invmm.inverting.Inverter", inverter)
    out = tmp_path / "out"
    invert(asked("gaussian", marked, out, threshold=given, budget=Budget(calls=ROUND)))
    assert [one.inversion.threshold for one in inverters] == [used]
    assert read_json(out / "threshold.json")["value"] == given


def test_another_configuration_is_refused(marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    invert(asked("gaussian", marked, out, budget=Budget(calls=ROUND)))
    before = files(out)
    assert invert(asked("gaussian", marked, out, budget=Budget(calls=ROUND))).finished
    assert files(out) == before
    with pytest.raises(RunConflict, match="restarts: there 1, here 2"):
        invert(asked("gaussian", marked, out, budget=Budget(calls=ROUND), restarts=2))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"restarts": 0}, "--restarts must be 1 or more"),
        ({"batch_size": 0}, "--batch-size must be 1 or more"),
        ({"fpr": 1.0}, "--fpr must be above 0 and below 1"),
        ({"threshold": 2.0}, r"--threshold is a similarity, in \[-1, 1\]"),
        ({"audit": Path("x")}, "--audit is for --triage solidmark"),
        ({"splits": ("held_out",)}, "Add --split trained"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        InvMM("memorizer", "images", Path("out"), **options)
    with pytest.raises(UnknownName, match=r'no triage "enrgy"\. Did you mean "energy"'):
        InvMM("memorizer", "images", Path("out"), triage="enrgy")


def test_keys_are_read_of_marked_images_only(tmp_path: Path) -> None:
    images = write_pictures(tmp_path / "images", [0, 1])
    with pytest.raises(BadInput, match="--triage energy reads keys"):
        invert(asked("memorizer", images, tmp_path / "out", triage="energy", mode="L"))
