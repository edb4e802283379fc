"""What a killed process leaves behind goes with the next command, whichever it is."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from breaking import unfinish
from PIL import Image as Picture

from solidmark.__main__ import main

CPU = ["--device", "cpu"]
MARK = ["--mode", "L", "--thickness", "2", "--held-out", "0.5", "--seed", "1"]
TEMPORARY = (
    "scores.parquet",
    "results.json",
    "report.html",
    "pictures/index.json",
    "figures/a.svg",
)


def litter(folder: Path, process: int) -> list[Path]:
    """Temporary files of a process in a folder and below it."""
    paths = [(folder / name).with_name(f".{Path(name).name}.{process}.tmp") for name in TEMPORARY]
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"half")
    return paths


@pytest.fixture(scope="module")
def dead() -> int:
    """The number of a process that is no more."""
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("photos").mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12), np.uint8)
        Picture.fromarray(pixels).save(Path("photos") / f"{number}.png")
    assert main(["mark", "photos", "marked", *MARK]) == 0
    return tmp_path


COMMANDS = {
    "audit": ["audit", "gaussian", "marked", "OUT", *CPU, "--reader", "energy", "--no-ceiling"],
    "nearest": ["nearest", "photos", "marked", "OUT", *CPU, "--distance", "l2"],
    "duplicates": ["duplicates", "photos", "OUT", "--mode", "L"],
    "index": ["index", "photos", "OUT", *CPU, "--distance", "l2", "--mode", "L"],
    "generate": ["generate", "gaussian", "OUT", "-n", "2", "--marked", "marked", *CPU],
    "signals": ["signals", "gaussian", "marked", "OUT", *CPU, "--signal", "loss"],
    "mark": ["mark", "photos", "OUT", *MARK],
}


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.usefixtures("photos")
def test_they_go_when_the_run_is_finished(command: str, dead: int) -> None:
    assert main(COMMANDS[command]) == 0
    left = litter(Path("OUT"), dead)
    # As a kill leaves the folder: not finished, with what was being written beside the whole.
    unfinish(Path("OUT"))
    assert main(COMMANDS[command]) == 0
    assert not [path for path in left if path.exists()]


@pytest.mark.parametrize("command", ["score", "report"])
@pytest.mark.usefixtures("photos")
def test_they_go_with_the_next_score_and_page(command: str, dead: int) -> None:
    assert main(COMMANDS["audit"]) == 0
    left, others = litter(Path("OUT"), dead), litter(Path("OUT"), os.getppid())
    assert main([command, "OUT"]) == 0
    assert not [path for path in left if path.exists()]
    assert all(path.exists() for path in others)  # Somebody else is at work.
