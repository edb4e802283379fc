"""One verdict for every `--json`, exit code 3 where it is asked for, and pages that follow."""

import json
import re
import shutil
from contextlib import chdir
from html import unescape
from pathlib import Path

import pytest
from breaking import held

from solidmark.cli import main
from solidmark.cli.main import COMMANDS, program
from solidmark.cli.outcome import CODES
from solidmark.page import is_stale
from solidmark.runs import (
    STATES,
    TONES,
    VERDICTS,
    Verdict,
    fingerprint,
    open_results,
    verdict_from,
)
from solidmark.runs.results import AT_ONCE

from .conftest import AUDIT, MARK, TINY, Answer, Run

KEYS = set(Verdict("done", "").to_json())
CPU = ["--device", "cpu"]
CHEAP = ["--signal", "loss", "--draws", "1", "--times", "1", *CPU]
FEW = ["--limit", 16, "--resolution", 8, "--mode", "L"]
SMALL_STUDY = ["--images", 16, "--epochs", 1, "--seeds", 1, "--resolution", 8]
SHORT = ["--steps", "10", "--sampling-steps", "2", "--limit", "4", "--no-signals", *CPU]

LINES = {
    "plan": ["--images", 100, "--resolution", 32],
    "mark": ["photos", "OUT", *MARK],
    "train": ["marked", "OUT", *TINY],
    "generate": ["gaussian", "OUT", "--marked", "marked", "-n", 4, *CPU],
    "observe": ["gaussian", "marked", "OUT", *AUDIT],
    "audit": ["memorizer", "marked", "OUT", *AUDIT],
    "score": ["audit"],
    "report": ["audit"],
    "signals": ["memorizer", "marked", "OUT", *CHEAP],
    "provenance": ["memorizer", "photos", "OUT", "--held-out", "digits", *FEW, *CHEAP],
    "inpaint": ["memorizer", "marked", "OUT", "--draws", 2, "--steps", 5, *CPU],
    "invmm": ["memorizer", "marked", "OUT", *SHORT],
    "compare": ["audit", "no-energies-scored"],
    "nearest": ["photos", "marked", "OUT", "--distance", "l2", "--mode", "L", *CPU],
    "fit": ["drawn", "OUT", "--steps", 2, "--batch-size", 8, *CPU],
    "judge": ["near", "said.csv"],
    "duplicates": ["photos", "OUT", "--mode", "L", *CPU],
    "cliques": ["drawn", "OUT", "--distance", "l2", "--calibrate", "--mode", "L", *CPU],
    "index": ["photos", "OUT", "--distance", "l2", "--mode", "L", *CPU],
    "guard": ["an-index", "photos", "--threshold", "l2=0.1", *CPU],
    "inspect": ["audit"],
    "choose": ["photos"],
    "release": ["model", "OUT", "--marked", "marked"],
    "study": ["unconditional", "OUT", "--quick", *SMALL_STUDY, *CPU],
}
ELSEWHERE = ("demo", "intent")
"""They take minutes, or data of their own; the first is an audit, the second is asked below."""

JUDGED = {
    "audit": VERDICTS,
    "score": VERDICTS,
    "report": VERDICTS,
    "signals": VERDICTS,
    "provenance": VERDICTS,
    "inpaint": VERDICTS,
    "invmm": VERDICTS,
    "nearest": VERDICTS,
    "judge": VERDICTS,
    "cliques": VERDICTS,
    "inspect": VERDICTS,
    "guard": ("refused", "passed"),
}
"""What the commands that judge may come to; the others are done."""


@pytest.fixture(scope="module")
def here(world: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the world that may be scored again."""
    here = tmp_path_factory.mktemp("verdicts") / "world"
    shutil.copytree(world, here)
    shutil.copytree(here / "audit", here / "no-energies-scored")
    line = ["near" if word == "OUT" else word for word in LINES["nearest"]]
    with chdir(here):
        assert main(["nearest", *map(str, line)]) == 0
    return here


RUNS = ("audit", "signals", "provenance", "inpaint", "invmm", "nearest", "cliques", "duplicates")
"""What makes a run that has results, a page and a verdict at once."""


def expect_verdict(command: str, answer: Answer) -> None:
    """Its `--json` carries one of those that the command may come to."""
    assert answer.code in (0, 3), answer.err
    found = answer.json["verdict"]
    assert set(found) == KEYS
    assert found["headline"]
    assert found["state"] in JUDGED.get(command, ("done",))
    for other in found["others"].values():
        assert set(other) == KEYS
        assert other["state"] in VERDICTS


@pytest.mark.parametrize("command", [one for one in LINES if one not in RUNS])
def test_every_json_carries_the_verdict(
    command: str, here: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of `RUNS` are asked below."""
    monkeypatch.chdir(here)
    words = [str(tmp_path / "out") if word == "OUT" else word for word in LINES[command]]
    expect_verdict(command, run(command, *words, "--json"))


def test_no_command_is_left_out() -> None:
    assert sorted([*LINES, *ELSEWHERE]) == sorted(COMMANDS)


def test_a_plan_says_that_it_is_one(world: Path, run: Run, tmp_path: Path) -> None:
    answer = run("mark", world / "photos", tmp_path / "out", *MARK, "--dry-run", "--json")
    assert answer.json["verdict"]["state"] == "planned"


@pytest.mark.parametrize("command", RUNS)
def test_results_page_terminal_and_json_say_one_verdict(
    command: str, here: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    out = tmp_path / "out"
    line = [out if word == "OUT" else word for word in LINES[command]]
    first = run(command, *line)
    assert first.code == 0, first.err
    kept = json.loads((out / "results.json").read_text())["verdict"]
    assert verdict_from(kept) == open_results(out).judged
    said = [kept["headline"]]
    if command in ("signals", "inpaint", "nearest", "invmm"):
        said = [f"{one['title']}: {one['headline']}" for one in kept["findings"]]
    assert first.out.splitlines()[: len(said)] == said
    page = unescape((out / "report.html").read_text())
    words = " ".join(re.sub("<[^>]*>", "", page).split())
    tone = TONES.get(kept["state"], "plain")
    assert f'<section id="verdict" class="verdict {tone}"' in page
    assert f'<span class="badge {tone}">{kept["label"]}</span>' in page
    assert " ".join(kept["headline"].split()) in words
    again = run(command, *line, "--json")
    expect_verdict(command, again)
    answers = [again, run("inspect", out, "--json"), run("report", out, "--json")]
    if command not in AT_ONCE:
        answers.append(run("score", out, "--json"))
        assert kept["headline"] in run("score", out).out
    assert [answer.json["verdict"] for answer in answers] == [kept] * len(answers)
    assert json.loads((out / "results.json").read_text())["verdict"] == kept


@pytest.mark.parametrize("command", ["audit", "cliques"])
def test_what_an_older_version_scored_is_refused_with_what_to_do(
    command: str, here: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    out = tmp_path / "out"
    assert run(command, *[out if word == "OUT" else word for word in LINES[command]]).code == 0
    results = held(out / "results.json")
    kept = results.pop("verdict")
    (out / "results.json").write_text(json.dumps(results))
    refused = run("report", out)
    assert (refused.code, refused.out) == (2, "")
    assert f'"{out}" was scored by an older version. Run ' in refused.err
    if command == "audit":
        assert f'Run "solidmark score {out}" first.' in refused.err
        assert run("score", out, "--json").json["verdict"] == kept
        assert run("report", out, "--json").json["verdict"] == kept
    else:
        assert 'Run the same "solidmark cliques" into a new folder.' in refused.err


def test_every_command_that_judges_can_fail() -> None:
    commands = program().commands
    able = {
        name
        for name, command in commands.items()
        if any(parameter.name == "fail_on" for parameter in command.params)
    }
    some = {"audit", "intent", "cliques", "nearest", "inpaint", "signals", "invmm", "score"}
    assert able == some | {"provenance"}


def test_memory_ends_in_3_and_its_absence_in_0(
    here: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    seen = tmp_path / "seen"
    line = ["audit", "memorizer", "marked", seen, *AUDIT]
    first = run(*line, "--fail-on", "memorized")
    assert (first.code, first.err) == (3, "")
    assert (seen / "report.html").is_file()
    assert run(*line).code == 0
    assert run(*line, "--fail-on", "not-seen", "--fail-on", "failed").code == 0
    assert run("score", seen, "--fail-on", "memorized", "--json").code == 3
    assert run("score", "audit", "--fail-on", "memorized").code == 0
    answer = run("score", "audit", "--json")
    state = answer.json["verdict"]["state"]
    assert state == "cannot-be-judged"
    assert run("score", "audit", "--fail-on", state).code == 3
    assert "fail_on" not in (seen / "config.yaml").read_text()


def test_a_verdict_that_there_is_not_is_named(here: Path, run: Run) -> None:
    answer = run("score", here / "audit", "--fail-on", "memorised")
    assert answer.code == 2
    assert 'Did you mean "memorized"?' in answer.err


def test_the_exit_codes_stand_in_the_help_and_the_documents(run: Run) -> None:
    said = "".join(run("--help").out.split())
    assert "".join(CODES.split()) in said
    page = Path(__file__).parents[2].joinpath("docs", "answers.md").read_text()
    for state in STATES:
        assert f"`{state}`" in page
    for code in ("0", "1", "2", "3", "130"):
        assert f"| {code} |" in page


def named_on(page: Path) -> str:
    """How many images the headline of a page names, and how many of them may be wrong."""
    found = re.search(r"\d+ of \d+ can be named one by one; [^.<]*", page.read_text())
    assert found is not None
    return found.group(0)


def test_the_page_follows_the_scores(
    here: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    seen = tmp_path / "seen"
    page = seen / "report.html"
    assert run("audit", "memorizer", "marked", seen, *AUDIT, "--no-images").code == 0
    before = named_on(page)
    answer = run("score", seen, "--fdr", "0.4", "--json")
    assert answer.json["pages"] == [str(page)]
    assert answer.json["stale"] == []
    assert named_on(page) != before
    assert named_on(page) in answer.json["verdict"]["headline"]
    assert not is_stale(seen)
    assert "<img" not in page.read_text(), "made without pictures, and again without"
    results = json.loads((seen / "results.json").read_text())
    (named,) = (
        row for row in results["rows"] if (row["statistic"], row["split"]) == ("named", "trained")
    )
    lines = (seen / "named.csv").read_text().splitlines()
    assert sum(",trained," in line for line in lines) == named["count"]


def test_a_page_that_does_not_say_how_it_was_made_is_named(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    page = here / "no-energies-scored" / "report.html"
    text = re.sub(r'<meta name="solidmark"[^>]*>', "", page.read_text())
    page.write_text(text)
    answer = run("score", page.parent, "--fdr", "0.2")
    assert answer.code == 0
    assert f'"{page}" shows what was scored before. "solidmark report ' in answer.out
    assert page.read_text() == text
    assert is_stale(page.parent)


def test_runs_within_runs_are_followed(
    here: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(here)
    whole = tmp_path / "whole"
    line = ["audit", "memorizer", "marked", whole, *AUDIT, "--measure", "solidmark"]
    line += ["--measure", "invmm", "--invmm-budget", "1000"]
    assert run(*line).code == 0
    answer = run("score", whole / "invmm", "--fdr", "0.4", "--json")
    assert answer.json["pages"] == [
        str(whole / "invmm" / "report.html"),
        str(whole / "report.html"),
    ]
    inner, outer = (
        [row for row in json.loads((place / "results.json").read_text())["rows"]]
        for place in (whole / "invmm", whole)
    )
    fdrs = [row["fdr"] for row in inner if row["statistic"] == "named"]
    assert fdrs == [
        row["fdr"] for row in outer if row.get("measure") == "invmm" and row["statistic"] == "named"
    ]
    assert not is_stale(whole)
    alone = tmp_path / "alone"
    line = ["invmm", "memorizer", "marked", alone, "--budget", "1000", "--signals"]
    assert run(*line, "--similarity", "l2").code == 0
    before = fingerprint(alone / "report.html")
    monkeypatch.chdir(alone / "signals")
    answer = run("score", ".", "--fpr", "0.2", "--json")
    assert len(answer.json["pages"]) == 2
    assert fingerprint(alone / "report.html") != before
