"""`choose --ask`: on a terminal it asks for what was not given, elsewhere it says so."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli.conftest import Run


def answered(world: Path, words: str, answers: str) -> tuple[int, str, str]:
    """What a command comes to whose input is a terminal on which somebody types."""
    leader, follower = os.openpty()
    try:
        os.write(leader, answers.encode())
        done = subprocess.run(
            [sys.executable, "-m", "solidmark", *words.split()],
            stdin=follower,
            cwd=world,
            capture_output=True,
            text=True,
            timeout=120,
        )
    finally:
        os.close(leader)
        os.close(follower)
    return done.returncode, done.stdout, done.stderr


def test_answers_on_a_terminal_are_those_of_the_options(
    world: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = answered(world, "choose marked --ask", "pixels\npixel\nnone\nmodel\n20000\n")
    assert code == 0, err
    assert 'There is no question "pixels". Did you mean "pixel"?' in err
    assert '"none"' in err
    line = "choose marked --question pixel --model model --budget 20000"
    assert f"The same without questions: solidmark {line}" in err
    monkeypatch.chdir(world)
    assert out == run(*line.split()).out


def test_only_what_was_not_given_is_asked_and_enter_leaves_it(world: Path) -> None:
    code, out, err = answered(world, "choose photos --ask --question pixel --json", "\n\n")
    assert code == 0, err
    assert out.startswith("{")
    assert "What is asked" not in err
    assert "The same without questions: solidmark choose photos --question pixel" in err


def test_where_nobody_can_answer_it_says_what_to_give(world: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "solidmark", "choose", "photos", "--ask"],
        stdin=subprocess.DEVNULL,
        cwd=world,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: --ask needs a terminal to ask on. Give --question, --model and --budget instead.\n"
    )
