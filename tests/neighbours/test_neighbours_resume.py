"""A search that is killed goes on, and finds what it would have found."""

import re
import signal
import sys
from pathlib import Path

import numpy as np
import pytest
from forking import run_together, start

from neighbours.killed import QUERIES, ROWS, found, search_until
from neighbours.several import find
from solidmark.neighbours import Neighbours, kept

module = sys.modules["solidmark.neighbours.search"]


def bytes_of(answer: Neighbours) -> tuple[bytes, bytes]:
    return answer.index.tobytes(), answer.squared.tobytes()


@pytest.fixture(scope="module")
def whole() -> tuple[bytes, bytes]:
    return bytes_of(found(None))


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many products were computed."""
    asked: list[int] = []
    products = module.squared_distances

    def counted(*arguments: object) -> object:
        values = products(*arguments)
        asked.append(values.numel())
        return values

    monkeypatch.setattr(module, "squared_distances", counted)
    return asked


def kill_at(place: str, count: int, folder: Path) -> None:
    child = start(search_until, place, count, folder)
    child.join(120)
    assert child.exitcode == -signal.SIGKILL, (place, count)


MOMENTS = [
    ("products", 1),
    ("products", 9),
    ("file", 4),
    ("name", 4),
    ("name", 11),
    ("measure", 1),
    ("measure", 2),
]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "count"), MOMENTS, ids=str)
def test_a_search_killed_once_ends_in_the_same_bytes(
    place: str, count: int, whole: tuple[bytes, bytes], tmp_path: Path
) -> None:
    kill_at(place, count, tmp_path)
    assert bytes_of(found(tmp_path)) == whole
    assert bytes_of(found(tmp_path)) == whole


@pytest.mark.slow
def test_a_search_killed_again_and_again_ends_in_the_same_bytes(
    whole: tuple[bytes, bytes], tmp_path: Path
) -> None:
    for place, count in [*MOMENTS[1:5], *MOMENTS[1:4]]:
        kill_at(place, count, tmp_path)
    assert bytes_of(found(tmp_path)) == whole


def test_it_does_not_start_from_the_beginning(
    whole: tuple[bytes, bytes],
    pairs: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(kept, "SECONDS", 0)
    assert bytes_of(found(tmp_path / "whole")) == whole
    every = list(pairs)
    assert sum(every) >= QUERIES * ROWS
    assert len(list((tmp_path / "whole").glob("*.npz"))) > 1
    for count in (5, len(every) - 3):
        kill_at("products", count, tmp_path / str(count))
        pairs.clear()
        assert bytes_of(found(tmp_path / str(count))) == whole
        assert pairs == every[count - 1 :]
    pairs.clear()
    assert bytes_of(found(tmp_path / "5")) == whole
    assert not pairs


def test_only_answers_stay_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "SECONDS", 0)
    found(tmp_path)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names
    assert not [name for name in names if not re.fullmatch(r"\d+-\d+\.npz", name)]


@pytest.mark.slow
def test_two_processes_find_what_one_finds(whole: tuple[bytes, bytes], tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    run_together(2, find, tmp_path / "folder", out)
    for rank in range(2):
        answer = np.load(out / f"{rank}.npz")
        assert (answer["index"].tobytes(), answer["squared"].tobytes()) == whole
