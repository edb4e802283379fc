"""No command opens a socket or looks up a host, whatever the libraries below would like."""

import os
import shutil
from pathlib import Path

import pytest

from cli.conftest import TINY, Run

NOISE = ["--device", "cpu", "--seed", "0"]
COMMANDS = {
    "mark": ["mark", "photos", "OUT", "--mode", "L", "--thickness", "2"],
    "plan": ["plan", "--images", "100", "--resolution", "32"],
    "train": ["train", "marked", "OUT", *TINY],
    "generate": ["generate", "model", "OUT", "-n", "2", "--steps", "2", "--device", "cpu"],
    "audit": ["audit", "memorizer", "marked", "OUT", "--no-ceiling", *NOISE],
    "score": ["score", "AUDIT"],
    "compare": ["compare", "AUDIT", "AUDIT"],
    "report": ["report", "AUDIT"],
    "inspect": ["inspect", "marked"],
    "signals": ["signals", "memorizer", "marked", "OUT", "--signal", "loss", *NOISE],
    "inpaint": ["inpaint", "memorizer", "marked", "OUT", "--draws", "1", "--steps", "2"],
    "invmm": ["invmm", "memorizer", "marked", "OUT", "--budget", "1000", *NOISE],
    "nearest": ["nearest", "photos", "photos", "OUT", "--distance", "l2", "--device", "cpu"],
    "duplicates": ["duplicates", "photos", "OUT"],
    "cliques": ["cliques", "drawn", "OUT", "--distance", "l2", "--threshold", "0.1"],
    "index": ["index", "photos", "OUT", "--distance", "l2", "--device", "cpu"],
    "guard": ["guard", "an-index", "photos", "--threshold", "l2=0.1"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_no_command_opens_a_socket(
    command: str, world: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[object] = []

    def refuse(*words: object, **_: object) -> None:
        asked.append(words)
        raise OSError("no socket is to be opened")

    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr("socket.socket.connect", refuse)
    monkeypatch.setattr("socket.getaddrinfo", refuse)
    monkeypatch.chdir(world)
    if "AUDIT" in COMMANDS[command]:
        shutil.copytree(world / "audit", tmp_path / "audit")
    places = {"OUT": str(tmp_path / "OUT"), "AUDIT": str(tmp_path / "audit")}
    answer = run(*(places.get(word, word) for word in COMMANDS[command]))
    assert answer.code in (0, 3), answer.err  # 3 is an answer of `guard`.
    assert asked == []
    assert list(home.iterdir()) == []
    assert os.environ["HF_HUB_OFFLINE"] == "1"
