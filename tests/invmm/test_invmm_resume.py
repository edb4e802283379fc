"""Killed inside an image, at any place, and given again: the files of an uninterrupted run."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import forking
import invmms
import pytest
from invmms import PLACES, asked, assert_alike, files, table

from solidmark.marks import Marked
from solidmark.measures.invmm import Budget, invert
from solidmark.runs import Processes

MOMENTS = [
    *[("round", 1), ("round", 4), ("round", 9), ("replace", 12), ("replace", 30)],
    *[("picture", 1), ("picture", 6), ("row", 2), ("row", 3), ("table", 1), ("table", 2)],
    ("finish", 1),
]


@pytest.fixture
def marked(make_marked: Callable[..., Marked]) -> Path:
    return make_marked(6, digits=True).folder


def start(place: str, count: int, images: Path, out: Path, **options: Any) -> Any:
    return forking.start(invmms.invert_until, place, count, images, out, options)


def kill_at(place: str, count: int, images: Path, out: Path, **options: Any) -> None:
    child = start(place, count, images, out, **options)
    child.join(120)
    assert child.exitcode == -signal.SIGKILL, (place, count)


def test_every_place_is_struck() -> None:
    assert {place for place, _ in MOMENTS} == set(PLACES)


@pytest.mark.slow
def test_a_run_killed_anywhere_ends_in_the_same_files(marked: Path, tmp_path: Path) -> None:
    invert(asked("memorizer", marked, tmp_path / "whole"))
    whole = files(tmp_path / "whole")
    for place, count in MOMENTS:
        out = tmp_path / f"{place}-{count}"
        kill_at(place, count, marked, out)
        assert not (out / "manifest.json").read_bytes().count(b'"finished": true')
        invert(asked("memorizer", marked, out))
        assert files(out) == whole, (place, count)


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_in_the_same_files(marked: Path, tmp_path: Path) -> None:
    options: dict[str, Any] = {"budget": Budget(calls=1500), "restarts": 2, "triage": "loss"}
    invert(asked("memorizer", marked, tmp_path / "whole", **options))
    out = tmp_path / "killed"
    for place, count in [("round", 2), ("row", 1), ("round", 3), ("picture", 4), ("row", 2)]:
        kill_at(place, count, marked, out, **options)
    invert(asked("memorizer", marked, out, **options))
    assert files(out) == files(tmp_path / "whole")
    assert {row["status"] for row in table(out)} >= {"reproduced", "spent"}


@pytest.mark.slow
def test_a_kill_from_outside_inside_an_image_costs_a_round_at_most(
    marked: Path, tmp_path: Path
) -> None:
    options: dict[str, Any] = {"inversion": invmms.SHORT, "batch_size": 6, "threshold": 1.0}
    invert(asked("memorizer", marked, tmp_path / "whole", **options))
    out, killed = tmp_path / "killed", 0
    for _ in range(3):
        child = start("", 0, marked, out, **options)
        state = out / "work" / "live-000.safetensors"
        before = state.stat().st_mtime_ns if state.is_file() else 0
        deadline = time.monotonic() + 60
        while child.is_alive() and time.monotonic() < deadline:
            if state.is_file() and state.stat().st_mtime_ns > before:
                os.kill(child.pid, signal.SIGKILL)
                break
        child.join()
        killed += child.exitcode == -signal.SIGKILL
    assert killed >= 2
    invert(asked("memorizer", marked, out, **options))
    assert files(out) == files(tmp_path / "whole")


@pytest.mark.slow
def test_two_processes_share_the_images_and_give_the_rows_of_one(
    marked: Path, tmp_path: Path
) -> None:
    invert(asked("memorizer", marked, tmp_path / "one"))
    forking.run_together(2, invmms.invert_twice, marked, tmp_path / "two")
    assert not (tmp_path / "two" / "work").exists()
    # Others stand beside an image in a network call.
    assert_alike(tmp_path / "two", tmp_path / "one")


@pytest.mark.slow
def test_one_process_goes_on_where_two_were_killed(marked: Path, tmp_path: Path) -> None:
    invert(asked("memorizer", marked, tmp_path / "one"))
    out = tmp_path / "out"
    children = forking.start_together(2, invmms.invert_twice, marked, out)
    states = out / "work"
    deadline = time.monotonic() + 120
    while len(list(states.glob("live-*.safetensors"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.001)
    for child in children:
        os.kill(child.pid, signal.SIGKILL)
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [-signal.SIGKILL] * 2
    invert(asked("memorizer", marked, out))
    # No name of a file says who began it.
    assert files(out).keys() == files(tmp_path / "one").keys()
    assert_alike(out, tmp_path / "one")


def test_what_was_on_its_way_is_gone_when_a_run_is_finished(marked: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    took = invert(asked("memorizer", marked, out)).manifest["seconds"]
    assert took > 0
    whole = files(out)
    # Killed between its two last lines.
    (out / "work").mkdir()
    (out / "work" / "live-001.safetensors").write_bytes(b"of another process")
    invert(asked("memorizer", marked, out))
    assert files(out) == whole
    # What is made good adds to what it took, and to what it spends of a budget.
    (out / "evidence.parquet").unlink()
    assert invert(asked("memorizer", marked, out)).manifest["seconds"] == took
    assert files(out) == whole


def test_a_run_that_is_made_good_has_no_new_budget(marked: Path, tmp_path: Path) -> None:
    out, options = tmp_path / "out", {"budget": Budget(seconds=1e-3), "batch_size": 1}
    invert(asked("memorizer", marked, out, **options))
    whole = files(out)
    assert "not_tried" in {row["status"] for row in table(out)}
    (out / "evidence.parquet").unlink()
    invert(asked("memorizer", marked, out, **options))
    assert files(out) == whole


def test_what_another_process_writes_is_not_taken_for_what_a_kill_left(
    marked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    monkeypatch.setattr(Processes, "wait", lambda self: done.append("wait"))
    monkeypatch.setattr(
        "solidmark.measures.invmm.inverting.remove_temporaries",
        lambda folder: done.append("remove"),
    )
    invert(asked("memorizer", marked, tmp_path / "out"))
    assert done.index("wait") < done.index("remove")
