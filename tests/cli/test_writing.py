"""A disk that is full, a memory that is too small: one line, and the same command goes on."""

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from unwritable import unwritable

from cli.conftest import AUDIT, MARK, TINY, Run


def full(*arguments: object, **options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "results.json")


def full_ledger(*arguments: object, **options: object) -> None:
    raise sqlite3.OperationalError("database or disk is full")


def full_weights(*arguments: object, **options: object) -> None:
    raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")


def no_memory(*arguments: object, **options: object) -> None:
    raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 TB")


def after(count: int, then: Callable[..., None], work: Callable[..., None]) -> Callable[..., None]:
    """Works so many times, then fails."""
    calls = 0

    def call(*arguments: object, **options: object) -> None:
        nonlocal calls
        calls += 1
        (work if calls <= count else then)(*arguments, **options)

    return call


LINES = {
    "mark": ["mark", "photos", "OUT", *MARK],
    "train": ["train", "marked", "OUT", *TINY],
    "audit": ["audit", "gaussian", "marked", "OUT", *AUDIT],
}


@pytest.mark.parametrize("done", [0, 1, 3])
@pytest.mark.parametrize("command", LINES)
def test_a_full_disk_is_one_line_and_the_same_command_goes_on(
    command: str,
    done: int,
    world: Path,
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(world)
    words = [str(tmp_path / "OUT") if word == "OUT" else word for word in LINES[command]]
    monkeypatch.setattr(os, "replace", after(done, full, os.replace))
    answer = run(*words)
    assert answer.code == 2
    assert answer.out == ""
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert "No space left on device" in answer.err
    monkeypatch.undo()
    monkeypatch.chdir(world)
    assert run(*words).code == 0


@pytest.mark.parametrize("command", LINES)
def test_a_finished_run_says_what_it_is_where_nothing_can_be_written(
    command: str, world: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    out = tmp_path / "OUT"
    words = [str(out) if word == "OUT" else word for word in LINES[command]]
    first = run(*words)
    assert first.code == 0, first.err
    before = {path: path.stat() for path in out.rglob("*")}
    with unwritable(out):
        again = run(*words)
    assert (again.code, again.out) == (0, first.out), again.err
    assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == {
        path: told.st_mtime_ns for path, told in before.items()
    }


def test_what_would_be_new_is_refused_where_nothing_can_be_written(
    world: Path, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(world)
    out = tmp_path / "OUT"
    assert run("audit", "gaussian", "marked", out, *AUDIT).code == 0
    with unwritable(out):
        words = ("--fail-on", "not-seen", "--fail-on", "cannot-be-judged")
        assert run("score", out, *words).code == 3
        for words in (("score", out, "--delta", 0.3), ("report", out, "--top", 3)):
            answer = run(*words)
            assert answer.code == 2
            assert answer.err.startswith(f'Error: The system refused "{out}/')
            assert "Permission denied" in answer.err
            assert answer.err.count("\n") == 1
        assert run("report", out).code == 0


@pytest.mark.parametrize(
    ("where", "failure", "words"),
    [
        ("solidmark.runs.Ledger.commit", full_ledger, "database or disk is full"),
        ("diffusers.DDPMPipeline.save_pretrained", full_weights, "No space left"),
        ("solidmark.training.trainer.Training._step", no_memory, "--train-batch-size"),
        ("solidmark.training.trainer.Training._step", full, 'refused "results.json"'),
    ],
)
def test_whatever_the_system_refuses_is_one_line(
    where: str,
    failure: Callable[..., None],
    words: str,
    world: Path,
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(world)
    monkeypatch.setattr(where, failure)
    line = LINES["train" if "training" in where or "diffusers" in where else "mark"]
    answer = run(*(str(tmp_path / "OUT") if word == "OUT" else word for word in line))
    assert answer.code == 2
    assert answer.err.startswith("Error: ")
    assert answer.err.count("\n") == 1
    assert words in answer.err


def test_a_ledger_that_is_no_ledger(world: Path, tmp_path: Path, run: Run) -> None:
    line = ["audit", "gaussian", str(world / "marked"), str(tmp_path / "OUT"), *AUDIT]
    assert run(*line).code == 0
    (tmp_path / "OUT" / "evidence.parquet").unlink()
    ledger = next((tmp_path / "OUT" / "ledger").glob("*.sqlite"))
    ledger.write_bytes(b"not a database, but long enough to be taken for one" * 100)
    answer = run(*line)
    assert answer.code == 2
    lost, said = answer.err.splitlines()
    assert '"evidence.parquet" is missing. It is made good.' in lost
    assert said.startswith("Error: The ledger")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="Linux has /dev/full")
def test_output_that_cannot_be_written(world: Path) -> None:
    with open("/dev/full", "w") as nowhere:
        done = subprocess.run(
            [sys.executable, "-m", "solidmark", "inspect", str(world / "marked")],
            stdout=nowhere,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert done.returncode == 2
    assert done.stderr.startswith("Error: ")
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_path_that_is_no_text(world: Path, tmp_path: Path, run: Run) -> None:
    """A file system holds any bytes; other libraries do not take them."""
    strange = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    line = ["mark", str(world / "photos"), str(strange), *MARK]
    assert run(*line).code == 0
    assert run(*line).code == 0
    assert run("inspect", strange).code == 0
    answer = run("audit", "gaussian", strange, tmp_path / "audit", *AUDIT)
    assert answer.code == 2
    assert answer.err.count("\n") == 1
    assert "Rename" in answer.err
