"""Every command says and writes what it did when it was frozen.

A difference is not a fault by itself. Whoever means it writes the files anew,
`python -m tests.golden`, and says in the commit what the diff of git shows, and why.
"""

import re
from pathlib import Path

import pytest

from solidmark.cli.main import COMMANDS

from .comparing import differences
from .runs import RUNS
from .world import FROZEN, World


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("golden"))


@pytest.mark.parametrize("name", RUNS)
def test_a_run_says_and_writes_the_same(name: str, world: World) -> None:
    frozen = (FROZEN / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    found = list(differences(frozen, world.lines(name), RUNS[name].tolerance))
    assert not found, "\n".join([f"{name} is not what was frozen:", *found[:60]])


def test_nothing_is_frozen_that_no_run_makes() -> None:
    assert {path.stem for path in FROZEN.iterdir()} == set(RUNS)


def test_no_command_is_left_out() -> None:
    asked = {line.split()[0] for run in RUNS.values() for line in run.lines}
    assert set(COMMANDS) <= asked


def test_every_state_of_a_verdict_is_there() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in Path(FROZEN).iterdir())
    assert re.search("Memorized", text)
