"""In what a model is opened: said, or decided by what fits, and kept with the run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import tiny
import yaml

import solidmark
from cli.conftest import Run
from solidmark.marks import Border, Marked
from solidmark.models import placing


@pytest.fixture(scope="module")
def sd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.stable_diffusion(tmp_path_factory.mktemp("sd"))


@pytest.fixture
def line(sd: Path, make_marked: Callable[..., Marked], tmp_path: Path) -> list[str]:
    marked = make_marked(6, side=24, channels=3, pattern=Border(4))
    words = ["observe", str(sd), str(marked.folder), str(tmp_path / "out"), "--reader", "probe"]
    return [*words, "--no-ceiling", "--device", "cpu"]


def opened(out: Path) -> tuple[object, ...]:
    """How the run says that the model was opened, in its manifest and in its command line."""
    config = json.loads((out / "manifest.json").read_text())["config"]
    options = yaml.safe_load((out / "config.yaml").read_text())
    found = [tuple(one[name] for name in placing.OPEN) for one in (config, options)]
    assert found[0] == found[1]
    return found[0]


def test_on_the_cpu_it_is_single_precision(line: list[str], tmp_path: Path, run: Run) -> None:
    assert run(*line, "--dry-run", "--json").json["options"]["precision"] == "fp32"
    assert run(*line).code == 0
    assert opened(tmp_path / "out") == ("fp32", "fp32", False)
    again = [*line, "--precision", "auto", "--no-offload", "--text-precision", "fp32"]
    assert run(*again).code == 0, "the same run"


def test_a_run_that_goes_on_keeps_what_it_has(line: list[str], tmp_path: Path, run: Run) -> None:
    assert run(*line, "--precision", "bf16", "--offload").code == 0
    assert opened(tmp_path / "out") == ("bf16", "fp32", True)
    assert run(*line).code == 0
    assert run("observe", *line[1:4], "--config", str(tmp_path / "out" / "config.yaml")).code == 0
    answer = run(*line, "--precision", "fp32")
    assert answer.code == 2
    assert "precision: there 'bf16', here 'fp32'" in answer.err


def test_what_does_not_fit_is_decided_and_said_once(
    line: list[str], run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A plan says it too; nothing is opened for it."""
    monkeypatch.setattr(placing, "HOME", "somewhere else")
    monkeypatch.setattr(placing, "_half", lambda device: "bf16")
    monkeypatch.setattr(placing, "free_bytes", lambda device: 1)
    answer = run(*line, "--dry-run", "--json")
    assert answer.err.count("are free, and in single precision") == 1
    options = answer.json["options"]
    assert [options[name] for name in placing.OPEN] == ["bf16", "bf16", True]
    answer = run(*line, "--dry-run", "--json", "--precision", "fp32", "--no-offload")
    options = answer.json["options"]
    assert [options[name] for name in placing.OPEN] == ["fp32", "bf16", False]


def test_python_decides_as_the_command_line_does(
    sd: Path,
    make_marked: Callable[..., Marked],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    marked = make_marked(6, side=24, channels=3, pattern=Border(4)).folder
    monkeypatch.setattr(placing, "HOME", "somewhere else")
    monkeypatch.setattr(placing, "_half", lambda device: "bf16")
    monkeypatch.setattr(placing, "free_bytes", lambda device: 1)
    how = {"device": "cpu", "ceiling": False}
    solidmark.observe(sd, marked, tmp_path / "a", readers=["probe"], **how, offload=False)
    config = json.loads((tmp_path / "a" / "manifest.json").read_text())["config"]
    assert [config[name] for name in placing.OPEN] == ["bf16", "bf16", False]
    assert capsys.readouterr().err.count("are free, and in single precision") == 1
