"""`solidmark signals`: one command from a model and images to a page."""

import json
from pathlib import Path

import pytest

from cli.conftest import Run, write_digits
from solidmark.cli.signals import SIGNALS
from solidmark.measures.signals.kinds import SIGNALS as KNOWN


def test_the_names_of_the_help_are_those_of_the_signals() -> None:
    assert tuple(KNOWN) == SIGNALS


@pytest.fixture
def marked(run: Run, tmp_path: Path) -> Path:
    photos = write_digits(tmp_path / "photos", 24)
    answer = run(
        *("mark", photos, tmp_path / "marked", "--mode", "L", "--thickness", 2),
        *("--held-out", 0.5),
    )
    assert answer.code == 0, answer.err
    return tmp_path / "marked"


def test_from_a_model_to_a_page(run: Run, marked: Path, tmp_path: Path) -> None:
    words = ("signals", "memorizer", marked, tmp_path / "out", "--times", 4, "--device", "cpu")
    planned = run(*words, "--dry-run")
    assert "# left out: {'spread': 'The model is a formula" in planned.out
    calls = {"loss": 4, "fixed-loss": 16, "sima": 1, "flipd": 9}
    assert f"# network calls per value: {calls}" in planned.out
    assert not (tmp_path / "out").exists()
    answer = run(*words, "--fpr", 0.1)
    assert answer.code == 0, answer.err
    first, *others, last = answer.out.splitlines()
    assert first.startswith("Denoising loss: ")
    assert any(line.startswith("Left out: spread. The model is a formula") for line in others)
    assert last == f"The page: {tmp_path / 'out' / 'report.html'}"
    results = json.loads((tmp_path / "out" / "results.json").read_text())
    assert results["config"]["fprs"] == [0.1]
    # The same command again does nothing anew; other rates are another scoring.
    again = run(*words, "--fpr", 0.1, "--json")
    assert again.json["rows"] == results["rows"]
    assert run("score", tmp_path / "out", "--fpr", 0.2).code == 0
    assert json.loads((tmp_path / "out" / "results.json").read_text())["config"]["fprs"] == [0.2]
    assert run("report", tmp_path / "out", "--no-images").code == 0
    assert "data:image" not in (tmp_path / "out" / "report.html").read_text()


def test_what_makes_no_sense_is_one_line(run: Run, marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    for options, said in (
        (("--signal", "los"), 'There is no signal "los". Did you mean "loss"?'),
        (("--spread-t", 2), "--spread-t must be above 0 and below 1, not 2."),
        (("--path-steps", 51), "--path-steps must be 1 to 50, not 51."),
        (("--split", "held_out"), "Held-out images alone say nothing."),
        (("--held-out", marked), "Leave --held-out"),
        (("--signal", "spread"), "The model can be asked for no such signal"),
    ):
        answer = run("signals", "memorizer", marked, out, "--device", "cpu", *options)
        assert answer.code == 2, options
        assert said in answer.err
        assert answer.err.count("\n") == 1
        assert not out.exists()
