"""`generate` and `inpaint`, as they are typed."""

from pathlib import Path

import pytest

from cli.conftest import Run
from solidmark.data import open_data
from solidmark.errors import RunConflict
from solidmark.measures.audit import score
from solidmark.runs import open_results


def test_what_is_drawn_is_said_and_opens_as_a_data_set(
    world: Path, tmp_path: Path, run: Run
) -> None:
    out = tmp_path / "drawn"
    words = ["generate", world / "model", out, "-n", 3, "--steps", 2, "--device", "cpu"]
    planned = run(*words, "--dry-run", "--json").json["plan"]
    assert planned["images"] == 3
    assert planned["network_calls"] == 6
    assert planned["size"] == [1, 12, 12]
    assert not out.exists()
    answer = run(*words)
    drawn, after = answer.out.splitlines()
    assert drawn == f"3 image(s) in {out / 'images'}, 2 network calls each."
    assert after.startswith(f"Next: solidmark nearest {out} TRAINING ")
    assert open_data(out).ids == ["000000", "000001", "000002"]
    again = run("generate", world / "model", out, "--config", out / "config.yaml", "--json")
    assert again.code == 0, again.err
    assert again.json["images"] == 3
    assert again.json["failed"] == {}
    assert "generate" in run("inspect", out).out


def test_the_attack_is_said_in_a_sentence(world: Path, tmp_path: Path, run: Run) -> None:
    out = tmp_path / "inpainted"
    words = ["inpaint", "memorizer", world / "marked", out, "--draws", 12, "--steps", 5]
    words += ["--device", "cpu"]
    planned = run(*words, "--dry-run", "--json").json["plan"]
    assert planned["draws"] == 12 * sum(planned["images"].values()) == 12 * 16
    answer = run(*words)
    assert answer.code == 0, answer.err
    said = answer.out.splitlines()
    found = open_results(out).judged.findings
    assert said[:-1] == [f"{one.title}: {one.headline}" for one in found]
    assert len(found) == 3
    assert said[-1] == f"The page: {out / 'report.html'}"
    assert "<img" in (out / "report.html").read_text()
    assert run("report", out, "--no-images").out == f"The page: {out / 'report.html'}\n"
    assert "<img" not in (out / "report.html").read_text()
    other = run(*words, "--lowest", 2, "--json").json
    assert other["config"]["lowest"] == 2, "scoring again asks no model"
    again = run("score", out, "--fdr", 0.1, "--json").json
    assert (again["config"]["lowest"], again["config"]["fdr"]) == (2, 0.1)
    with pytest.raises(RunConflict, match="solidmark inpaint"):
        score(out)
    assert "inpaint" in run("inspect", out).out


def test_without_controls_no_area_is_claimed(world: Path, tmp_path: Path, run: Run) -> None:
    words = ["inpaint", "memorizer", world / "no-controls", tmp_path / "out", "--draws", 1]
    answer = run(*words, "--steps", 2, "--split", "trained", "--device", "cpu")
    assert answer.code == 0, answer.err
    assert "Without held-out images" in answer.out
    assert "nothing can be judged" in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("command", ["generate", "inpaint"])
def test_an_audit_is_not_drawn_over(command: str, world: Path, run: Run) -> None:
    marked = ["--marked", world / "marked"] if command == "generate" else [world / "marked"]
    words = [command, "gaussian", *([] if command == "generate" else marked), world / "audit"]
    words += marked if command == "generate" else []
    answer = run(*words, "--device", "cpu")
    assert answer.code == 2
    assert "another run" in answer.err
