"""`solidmark invmm` from the command line, and beside an audit."""

import json
import shutil
from pathlib import Path

import pytest
from breaking import held

from cli.conftest import MARK, Run, write_digits
from solidmark.cli.invert import DESCENT, PRESETS
from solidmark.cli.main import COMMANDS
from solidmark.runs import open_results

SHORT = [
    *("--steps", "30", "--samples", "2", "--every", "10", "--rate", "0.3", "--checked", "3"),
    *("--sampling-steps", "6", "--screen-steps", "3", "--threshold", "0.95", "--device", "cpu"),
]


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run) -> Path:
    """Eight digits, four of them held out, in a marked folder."""
    monkeypatch.chdir(tmp_path)
    write_digits(tmp_path / "photos", 8)
    assert run("mark", "photos", "marked", *MARK).code == 0
    return tmp_path


def test_it_ends_with_a_verdict_and_the_page(here: Path, run: Run) -> None:
    answer = run("invmm", "memorizer", "marked", "out", *SHORT)
    assert answer.code == 0, answer.err
    verdict, page = answer.out.strip().splitlines()
    assert verdict.startswith("InvMM: ")
    assert " of 4 trained images w" in verdict
    assert page == "The page: out/report.html"
    for name in ("report.html", "results.json", "config.yaml", "scores.parquet", "paths.parquet"):
        assert (here / "out" / name).is_file()


def test_the_same_command_or_its_configuration_says_the_same(here: Path, run: Run) -> None:
    words = ["invmm", "gaussian", "marked", "out", *SHORT, "--budget", "300", "--triage", "loss"]
    first = run(*words)
    assert first.code == 0, first.err
    before = (here / "out" / "evidence.parquet").stat().st_mtime_ns
    assert run(*words).out == first.out
    again = run("invmm", "--config", "out/config.yaml", "gaussian", "marked", "out")
    assert again.out == first.out, again.err
    assert (here / "out" / "evidence.parquet").stat().st_mtime_ns == before
    answer = run(*words, "--seed", "1")
    assert (answer.code, "seed: there 0, here 1" in answer.err) == (2, True)


def test_json_and_scoring_again_give_the_results(here: Path, run: Run) -> None:
    answer = run("invmm", "memorizer", "marked", "out", *SHORT, "--json")
    assert answer.json == held(here / "out" / "results.json")
    again = run("score", "out", "--fpr", "0.25", "--json")
    assert again.code == 0, again.err
    (rate,) = [row for row in again.json["rows"] if row["statistic"] == "tpr_at_fpr"]
    assert rate["fpr"] == 0.25
    assert run("score", "out", "--fdr", "0.3").code == 0
    assert run("report", "out").code == 0
    assert open_results(here / "out").config["fdr"] == 0.3
    answer = run("score", "out", "--delta", "0.1")
    assert (answer.code, "--delta says nothing to the results of" in answer.err) == (2, True)


def test_a_plan_opens_and_writes_nothing(here: Path, run: Run) -> None:
    words = ["invmm", "memorizer", "marked", "out", "--restarts", "2", "--budget", "30m"]
    answer = run(*words, "--preset", "ddpm", "--device", "cpu", "--dry-run", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["plan"]["attempts"] == 16
    assert answer.json["plan"]["images"] == {"trained": 4, "held_out": 4}
    assert not (here / "out").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--prompt inverted", "text"),
        ("--prompt invented", 'no prompt "invented". Did you mean "inverted"?'),
        ("--preset dpm", 'no preset "dpm". Did you mean "ddpm"?'),
        ("--similarity l3", 'no similarity "l3"'),
        ("--threshold high", '--threshold takes a similarity in [-1, 1] or auto, not "high"'),
        ("--threshold 1.5", "--threshold takes a similarity"),
        ("--fpr 0", "--fpr must be above 0 and below 1, not 0"),
        ("--restarts 0", "--restarts must be 1 or more"),
        ("--triage enrgy", 'no triage "enrgy". Did you mean "energy"?'),
        ("--triage magnitude", "told nothing"),
        ("--audit marked", "--audit is for --triage solidmark"),
        ("--triage solidmark --audit marked", "scores.parquet"),
        ("--budget soon", '--budget takes network calls, like 20000, or a time, like 30m, not "s'),
        ("--batch-size 0", "--batch-size must be 1 or more"),
        ("--steps 0", "--steps must be 1 or more"),
        ("--clip 0", "--clip must be above 0"),
        ("--rate inf", "--rate must be above 0, not inf"),
        ("--margin inf", "--margin must be 0 or more, not inf"),
        ("--sampling-steps 1001", "--sampling-steps must be 1 to 1000, not 1001"),
        ("--triage spread --dry-run", "no activations"),
        ("--held-out photos", "Leave --held-out"),
        ("--split held_out", "Add --split trained"),
        ("--device nowhere", 'The device "nowhere" cannot be used'),
    ],
)
def test_bad_values_are_one_line(words: str, said: str, here: Path, run: Run) -> None:
    answer = run("invmm", "memorizer", "marked", "out", "--device", "cpu", *words.split())
    assert answer.code == 2, answer.out
    assert answer.err.count("\n") == 1
    assert said in answer.err
    assert "Traceback" not in answer.err
    assert not (here / "out").exists()


def test_plain_images_need_no_marks(here: Path, run: Run) -> None:
    (here / "other").mkdir()
    for path in sorted((here / "photos").iterdir())[:3]:
        shutil.move(path, here / "other")
    words = ["invmm", "memorizer", "photos", "out", "--held-out", "other", "--mode", "L", *SHORT]
    answer = run(*words)
    assert answer.code == 0, answer.err
    assert "of 5 trained images" in answer.out
    assert "of 3 held-out ones" in answer.out
    answer = run("invmm", "memorizer", "photos", "alone", "--mode", "L", *SHORT)
    assert answer.code == 0, answer.err
    assert "nothing can be judged" in answer.out


def test_an_audit_takes_it_along_and_scoring_keeps_its_rows(here: Path, run: Run) -> None:
    words = ["audit", "memorizer", "marked", "audit", "--device", "cpu", "--no-ceiling"]
    words += ["--measure", "solidmark", "--measure", "invmm", "--invmm-budget", "2000"]
    answer = run(*words, "--limit", "2")
    assert answer.code == 0, answer.err
    assert "InvMM: " in answer.out
    assert answer.out.strip().endswith("The page: audit/report.html")
    assert (here / "audit" / "invmm" / "report.html").is_file()
    own = json.loads((here / "audit" / "invmm" / "results.json").read_text())["rows"]

    def kept() -> list[dict[str, object]]:
        rows = json.loads((here / "audit" / "results.json").read_text())["rows"]
        return [
            {name: value for name, value in row.items() if name != "reader"}
            for row in rows
            if row["measure"] == "invmm"
        ]

    assert kept() == own
    assert run("score", "audit").code == 0
    assert kept() == own
    assert run("report", "audit").code == 0
    again = run(*words, "--limit", "2")
    assert again.out == answer.out, again.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--invmm-budget 5", "--invmm-budget is for --measure invmm"),
        ("--measure invmm", 'use "solidmark invmm"'),
        ("--measure invm", 'no measure "invm"'),
        ("--measure solidmark --measure invmm --mitigation gni", "--mitigation"),
        ("--measure solidmark --measure invmm --perturb flip", "--perturb"),
    ],
)
def test_what_an_audit_cannot_take_along(words: str, said: str, here: Path, run: Run) -> None:
    answer = run("audit", "memorizer", "marked", "out", "--device", "cpu", *words.split())
    assert (answer.code, said in answer.err) == (2, True), answer.err
    assert not (here / "out").exists()


def test_the_names_in_the_options_are_those_of_the_tables() -> None:
    """They are written twice, since the tables take seconds to import."""
    import inspect
    from dataclasses import MISSING, fields

    from solidmark.measures import invmm
    from solidmark.measures.invmm import inversion

    assert set(PRESETS) == set(inversion.PRESETS)
    known = {field.name for field in fields(inversion.Inversion)}
    named = {field.name for field in fields(DESCENT)} - {"preset", "guidance"}
    assert known == {*named, "guidances", "threshold"}
    defaults = {
        name: one.default for name, one in inspect.signature(COMMANDS["invmm"]).parameters.items()
    }
    renamed = {"splits": "split", "threshold": None, "inversion": None, "opening": None}
    for field in fields(invmm.InvMM):
        name = renamed.get(field.name, field.name)
        if name is not None and field.default is not MISSING:
            found = defaults[name]
            assert (tuple(found) if isinstance(found, list) else found) == field.default, name
