"""Who does what, and what a person sees of it."""

import io
import os
import re
import subprocess
import sys
import threading
import time

import pytest

from solidmark.runs import Processes, progress, remark

progress_module = sys.modules["solidmark.runs.progress"]


def test_without_a_launcher_there_is_one_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("RANK", "WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    assert Processes.here() == Processes(0, 1)
    assert Processes.here().is_main
    Processes.here().wait()


def test_the_launcher_says_who_we_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK", "2")
    monkeypatch.setenv("WORLD_SIZE", "3")
    assert Processes.here() == Processes(2, 3)
    assert not Processes.here().is_main


@pytest.mark.parametrize("count", [1, 2, 3, 7])
def test_each_item_belongs_to_one_process(count: int) -> None:
    shares = [list(Processes(rank, count).share(range(5))) for rank in range(count)]
    assert sorted(item for share in shares for item in share) == list(range(5))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


CODE = """
from solidmark.runs import progress
with progress("thinking", 10, done=2) as advance:
    advance(3)
    advance(1, note="loss 0.5")
"""


def show(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", CODE],
        env={**os.environ, "COLUMNS": "120", **environment},
        capture_output=True,
        text=True,
        check=True,
    )


def test_a_terminal_shows_a_bar_with_the_time_left_on_standard_error() -> None:
    shown = show(FORCE_COLOR="1", TTY_COMPATIBLE="1")
    assert shown.stdout == ""
    words = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.stderr)
    assert "thinking" in words
    assert "6/10" in words
    assert "loss 0.5" in words
    assert re.search(r"left +(\d:\d\d:\d\d|-:--:--)", words)


class Clock:
    """A clock that goes on only when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(progress_module, "time", clock)
    return clock


def test_a_log_file_gets_a_line_a_minute(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """Four units of ten were done before; two take 80 seconds, so the other four take 160."""
    with progress("thinking", 10, done=4) as advance:
        for now, note in ((20, ""), (80, "loss 0.5"), (81, "")):
            clock.now = now
            advance(note=note)
    shown = capsys.readouterr()
    assert shown.err == "thinking: 6 of 10, 0:02:40 left, loss 0.5\n"
    assert shown.out == ""


def test_a_unit_that_lasts_is_no_silence(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    """The thread waits on the same clock: a unit of three minutes is three lines."""
    log = progress_module._Log("thinking", 10, 4)
    waits = []

    def wait(seconds: float) -> bool:
        waits.append(seconds)
        clock.now += seconds
        if len(waits) == 3:
            log.advance(2)
        return len(waits) > 4

    log.beat(wait)
    assert capsys.readouterr().err.splitlines() == [
        "thinking: 4 of 10, after 0:01:00",
        "thinking: 4 of 10, after 0:02:00",
        "thinking: 6 of 10, 0:06:00 left",
        "thinking: 6 of 10, 0:08:00 left",
    ]
    assert set(waits) == {60.0}


def test_the_thread_ends_with_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 0.01)
    before = threading.active_count()
    stderr = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stderr)
    with progress("thinking", 2):
        assert threading.active_count() == before + 1
        deadline = time.monotonic() + 20
        while not stderr.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
    assert threading.active_count() == before
    assert stderr.getvalue().startswith("thinking: 0 of 2, after 0:00:00")


def test_only_the_main_process_shows_progress() -> None:
    shown = show(RANK="1", WORLD_SIZE="2", FORCE_COLOR="1", TTY_COMPATIBLE="1")
    assert shown.stdout == shown.stderr == ""


def test_an_error_passes_through_the_progress(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        with progress("x", 3) as advance:
            advance()
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert capsys.readouterr().out == ""


def test_a_long_unit_says_how_far_it_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress_module, "SECONDS_BETWEEN_LINES", 0.0)
    remark("nobody hears it")
    with progress("testing", 2):
        with progress("within", 1):
            remark("9 of 10 rows")
        remark("1 of 3 rows")
    said = capsys.readouterr().err
    assert "within: 0 of 1" in said
    assert "9 of 10 rows" in said.split("1 of 3 rows")[0]
    assert "testing: 0 of 2" in said
    assert "nobody" not in said
