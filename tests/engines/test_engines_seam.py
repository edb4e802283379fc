"""A run is a fixed list of batches: whoever does them, in any order, the rows are the same."""

import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from solidmark.errors import BadInput, UnknownName
from solidmark.runs import (
    Answer,
    Job,
    Room,
    Run,
    engine_named,
    open_run,
    require_same,
    using,
    work_through,
    write_bytes,
)
from solidmark.runs.cluster import Cluster, _require_first
from solidmark.runs.engines import Launched, current_engine
from solidmark.runs.worker import Worker, told

from .foreign import Foreign, rows_of, written

UNITS = range(50)


@dataclass(frozen=True)
class Squares:
    """How another machine draws squares.

    Arguments:
        missing: What it lacks there.
    """

    missing: str = ""

    def open(self, folder: Path, room: Room) -> Callable[[Sequence[int]], Mapping[str, Any]]:
        if self.missing:
            raise BadInput(f"There is no {self.missing} here.")
        return partial(square, folder)


def square(folder: Path, batch: Sequence[int]) -> dict[str, Any]:
    rows = {}
    for number in batch:
        picture = f"pictures/{number % 3}/{number}.png"
        write_bytes(folder / picture, bytes([number]))
        rows[name(number)] = {"square": number**2, "beside": list(batch), "picture": picture}
    return rows


def name(number: int) -> str:
    return f"square {number:03d}"


def work(run: Run, away: Any = None, here: Any = square) -> dict[str, Any]:
    batches = [UNITS[start : start + 4] for start in range(0, len(UNITS), 4)]
    do = partial(here, run.folder)
    return work_through(run, "squaring", batches, name, do, Room(4, "cpu"), away=away)


@pytest.fixture
def serial(tmp_path: Path) -> Run:
    run = open_run(tmp_path / "serial", "test", {})
    work(run)
    return run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return open_run(tmp_path / "away", "test", {})


def test_neither_order_nor_twice_nor_loss_changes_a_row(serial: Run, run: Run) -> None:
    foreign = Foreign()
    with using(foreign):
        rows = work(run, Squares(), refused)
    assert foreign.rounds == 2, "what was lost is handed out again"
    assert rows_of(rows) == rows_of(work(serial))
    assert len(written(run.folder)) == len(UNITS)
    assert written(run.folder) == written(serial.folder)


def refused(folder: Path, batch: Sequence[int]) -> dict[str, Any]:
    raise AssertionError("this process does nothing itself")


def test_a_run_goes_on_with_another_engine(serial: Run, run: Run) -> None:
    with using(Killed()), pytest.raises(KeyboardInterrupt):
        work(run, Squares())
    assert 0 < len(written(run.folder)) < len(UNITS)
    os.unlink(run.folder / "pictures/2/44.png")  # Its whole batch is done again.
    assert rows_of(work(run)) == rows_of(work(serial))
    assert written(run.folder) == written(serial.folder)


class Killed(Foreign):
    """Is interrupted after some batches."""

    def hand_out(
        self, batches: Mapping[int, Sequence[Any]], job: Job[Any]
    ) -> Iterator[tuple[int, Answer | None]]:
        for count, answer in enumerate(super().hand_out(batches, job)):
            if count == 5:
                raise KeyboardInterrupt
            yield answer


def test_an_engine_that_never_answers_ends_the_run(run: Run) -> None:
    with using(Foreign(lost=1)), pytest.raises(BadInput, match="13 of 13 batches have no answer"):
        work(run, Squares())


def test_a_file_comes_before_its_row_and_lies_in_the_folder_of_the_run(run: Run) -> None:
    with using(Naming("../stranger.png")), pytest.raises(BadInput, match="not of the run"):
        work(run, Squares())
    assert not (run.folder.parent / "stranger.png").exists()
    with using(Naming("pictures/stranger.png")):
        rows = rows_of(work(run, Squares()))
    assert (run.folder / "pictures/stranger.png").read_bytes() == b"!"
    assert rows == {"stranger": 1}


@dataclass
class Naming:
    """Answers with a file of its own choice.

    Arguments:
        path: Below the folder of the run, or not.
    """

    path: str

    def joined(self) -> nullcontext[None]:
        return nullcontext()

    def hand_out(
        self, batches: Mapping[int, Sequence[Any]], job: Job[Any]
    ) -> Iterator[tuple[int, Answer | None]]:
        for number in batches:
            yield number, Answer({"stranger": 1}, {self.path: b"!"})


def test_what_a_user_can_mend_on_another_machine_is_an_answer(run: Run) -> None:
    job = Job(partial(square, run.folder), Room(4, "cpu"), Squares("model"))
    assert Worker(told(job)).do(UNITS[:4]) == "There is no model here."


def test_a_worker_leaves_nothing_on_its_machine(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "there").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "there"))
    worker = Worker(told(Job(partial(square, run.folder), Room(4, "cpu"), Squares())))
    for batch in (UNITS[:4], UNITS[4:8]):
        answer = worker.do(batch)
        assert isinstance(answer, Answer)
        assert sorted(answer.files) == sorted(f"pictures/{n % 3}/{n}.png" for n in batch)
    assert not list((tmp_path / "there").iterdir())


def test_a_worker_has_the_first_gpu_that_it_sees() -> None:
    for device in ("cpu", "cuda", "cuda:0", "mps"):
        _require_first(device)
    with pytest.raises(BadInput, match="--device cuda:1 is none there"):
        _require_first("cuda:1")


def test_other_versions_are_refused_by_the_worker(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    what = told(Job(partial(square, run.folder), Room(4, "cpu"), Squares()))
    monkeypatch.setattr("solidmark.runs.worker.versions", lambda: {"solidmark": "0.0.1"})
    answer = Worker(what).do(UNITS[:4])
    assert "has solidmark 0.0.1" in str(answer)
    assert "Install the same on all machines." in str(answer)


def test_other_files_under_the_same_path_are_refused_by_the_worker() -> None:
    require_same({"model": "a", "marked": "b"}, {"marked": "b", "model": "a"})
    for found in ({"model": "a", "marked": "c"}, {"model": "a"}):
        with pytest.raises(BadInput, match=r"marked is not what it is where.*Put the same files"):
            require_same({"model": "a", "marked": "b"}, found)


def test_an_engine_is_used_within_and_no_longer() -> None:
    one, other = Foreign(), Foreign()
    assert current_engine() == Launched()
    with using(one):
        with using():
            assert current_engine() is one
        with using(other):
            assert current_engine() is other
        with using("serial"):
            assert current_engine() == Launched()
        assert current_engine() is one
    assert current_engine() == Launched()


def test_what_only_this_process_can_do_it_does_itself(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    job = Job(partial(square, run.folder), Room(4, "cpu"))
    found = dict(Cluster().hand_out({2: UNITS[:3]}, job))
    assert found == {2: Answer(square(run.folder, UNITS[:3]))}


@pytest.mark.parametrize("asked", ["serial", "ray", "ray:10.0.0.1:6379"])
def test_what_is_one_process_is_not_launched(asked: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(BadInput, match="a launcher has started 2"):
        engine_named(asked)
    assert engine_named("torchrun") == Launched()


def test_an_engine_that_cannot_be_had_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RANK", raising=False)
    with pytest.raises(BadInput, match="none has started this one"):
        engine_named("torchrun")
    with pytest.raises(UnknownName, match=r'no engine "rey"\. Did you mean "ray"'):
        engine_named("rey")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(BadInput, match=r'pip install "solidmark\[ray\]"'):
        engine_named("ray")


def test_the_address_is_that_of_the_name_or_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    for name in ("RANK", "WORLD_SIZE", "RAY_ADDRESS"):
        monkeypatch.delenv(name, raising=False)
    assert engine_named("ray").address is None  # type: ignore[attr-defined]
    monkeypatch.setenv("RAY_ADDRESS", "there:6379")
    assert engine_named("ray").address == "there:6379"  # type: ignore[attr-defined]
    assert engine_named("ray:here:6379").address == "here:6379"  # type: ignore[attr-defined]
