"""The engine: every stage once, in order; every arm read out at every seed; the same again."""

import re
from collections.abc import Callable
from dataclasses import replace
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counted import COMMANDS, N

from solidmark.errors import BadInput, RunConflict
from solidmark.reporting import write_report
from solidmark.runs import Results, read_json
from solidmark.studies import markdown, run_studies
from solidmark.studies.saying import told
from solidmark.studies.stage import stage
from solidmark.studies.study import Arm, Setting, Study

Planned = Callable[..., Study]


def run_study(
    study: Study, setting: Setting, out: Path, commands: Any, workers: int = 1
) -> Results:
    (results,) = run_studies([(study, setting)], out, commands, workers)
    return results


def test_every_arm_is_read_at_every_seed_and_over_all(planned: Planned, tmp_path: Path) -> None:
    study = planned(first=0.2, second=0.9)
    results = run_study(study, study.quick, tmp_path, COMMANDS)
    own = [one for one in results.figures if one.statistic == "Hit" and one.other is None]
    assert [(one.split, one.by) for one in own] == [
        (arm, by)
        for arm in ("first", "second")
        for by in ("seed 0", "seed 1", "seed 2", "all seeds")
    ]
    for arm in ("first", "second"):
        *seeds, every = [one for one in own if one.split == arm]
        assert every.value == pytest.approx(np.mean([one.value for one in seeds]))
        assert (every.n, every.count) == (3 * N, sum(one.count or 0 for one in seeds))
        assert every.chance == 0.25
        assert every.interval is not None
        assert every.interval[0] < (every.value or 0) < every.interval[1]
    (change,) = [one for one in results.figures if one.other == "first"]
    assert change.value == pytest.approx((own[7].value or 0) - (own[3].value or 0))
    # A read-out that only one arm has stands there for that arm alone.
    assert {one.split for one in results.figures if one.statistic == "Hit at first"} == {"first"}
    assert "all others differ from first" in results.judged.details[0]


def test_a_stage_that_arms_share_is_made_once(planned: Planned, tmp_path: Path) -> None:
    study = planned(first=0.2, second=0.9)
    run_study(study, study.quick.but(seeds=(5,)), tmp_path, COMMANDS)
    (begun,) = (tmp_path / "stages").glob("begin-*/kept.json")
    assert read_json(begun)["calls"] == 1
    assert len(list((tmp_path / "stages").glob("count-*.json"))) == 2


def test_what_a_kill_left_beside_the_stages_is_cleared_away(
    planned: Planned, tmp_path: Path
) -> None:
    study = planned(first=0.2, second=0.9)
    left = tmp_path / "stages" / ".begin-0123456789ab.json.999999999.tmp"
    left.parent.mkdir()
    left.write_text("{")
    run_study(study, study.quick, tmp_path, COMMANDS)
    assert not left.exists()


def test_studies_that_are_run_together_share_their_stages_and_count_them_each(
    planned: Planned, tmp_path: Path
) -> None:
    study = planned(first=0.2, second=0.9)
    other = replace(planned(first=0.2), name="percentile")
    asked = [(study, study.quick.but(seeds=(5,))), (other, other.quick.but(seeds=(5,)))]
    together = list(run_studies(asked, tmp_path, COMMANDS, workers=2))
    (begun,) = (tmp_path / "stages").glob("begin-*/kept.json")
    assert read_json(begun)["calls"] == 1
    assert [one.facts["stages"] for one in together] == [3, 2]
    alone = run_study(*asked[1], tmp_path / "alone", COMMANDS)
    assert alone.figures == together[1].figures


def test_a_finished_study_is_read_and_another_size_is_refused(
    planned: Planned, tmp_path: Path
) -> None:
    study = planned(first=0.2, second=0.9)
    once = run_study(study, study.quick, tmp_path, COMMANDS)
    again = run_study(study, study.quick, tmp_path, {})
    assert again.figures == once.figures
    with pytest.raises(RunConflict, match="seeds"):
        run_study(study, study.quick.but(seeds=(0, 1)), tmp_path, COMMANDS)


def test_several_processes_give_the_same_figures(planned: Planned, tmp_path: Path) -> None:
    study = planned(first=0.2, second=0.9)
    one = run_study(study, study.quick, tmp_path / "one", COMMANDS)
    two = run_study(study, study.quick, tmp_path / "two", COMMANDS, workers=2)
    assert one.figures == two.figures


def refuse(out: Path) -> None:
    raise RunConflict(f'"{out.name}" holds something else.')


@pytest.mark.parametrize("workers", [1, 2])
def test_a_refusal_is_one_line_whoever_works(
    planned: Planned, tmp_path: Path, workers: int
) -> None:
    def arms(setting: Setting, seed: int) -> list[Arm]:
        return [Arm("refused", {"count": stage("refuse")})]

    study = replace(planned(first=0.2), arms=arms)
    with pytest.raises((RunConflict, BadInput), match="holds something else"):
        run_study(study, study.quick, tmp_path, {"refuse": refuse}, workers=workers)


def test_other_options_are_another_folder() -> None:
    marked = stage("mark", "digits", seed=0)
    assert marked.folder == stage("mark", "digits", seed=0).folder
    others = [stage("mark", "digits", seed=1), stage("mark", "land", seed=0), stage("mark", marked)]
    assert len({one.folder for one in (marked, *others)}) == 4
    # The part of a folder that is meant is another input, but not another folder.
    early, late = marked.at("epochs/1"), marked.at("epochs/2")
    assert early.folder == late.folder
    assert stage("audit", early).folder != stage("audit", late).folder


def test_the_page_shows_the_table(
    planned: Planned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = planned(first=0.2, second=0.9)
    results = run_study(study, study.quick, tmp_path, COMMANDS)
    monkeypatch.setattr("solidmark.studies.page.find_study", {study.name: study}.get)
    first = write_report(results.folder).read_bytes()
    page = first.decode()
    page = re.sub(r"</?span[^>]*>", "", page)
    assert "Are images remembered more that are there more often?" in page
    assert write_report(results.folder).read_bytes() == first
    every = next(one for one in results.figures if one.by == "all seeds")
    for said in (told(every), "n = 96 in 3 seeds", "chance 25 %", results.judged.headline):
        assert escape(said) in page
    table = markdown(study, results)
    assert f"| first | {told(every)} (" in table
