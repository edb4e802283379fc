"""Checkpoints: whole or not there, the newest that can be read, never a pickle."""

from pathlib import Path

import pytest
import torch

from solidmark.errors import BadInput, NotFound, OutOfMemory
from solidmark.training import read_checkpoint, read_latest
from solidmark.training.checkpoints import Snapshot, clear_after, write_checkpoint


def snapshot(step: int) -> Snapshot:
    return Snapshot({"network": {"w": torch.full((3,), float(step))}}, {"step": step})


def test_a_checkpoint_round_trips(tmp_path: Path) -> None:
    found = read_checkpoint(write_checkpoint(tmp_path, snapshot(7)))
    assert found.step == 7
    assert found.tensors["network"]["w"].tolist() == [7, 7, 7]


def test_two_are_kept(tmp_path: Path) -> None:
    for step in (1, 2, 10):
        write_checkpoint(tmp_path, snapshot(step))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["checkpoint-00000002", "checkpoint-00000010"]
    newest = read_latest(tmp_path)
    assert newest is not None
    assert newest.step == 10


def test_a_damaged_one_is_passed_over(tmp_path: Path) -> None:
    for step in (1, 2):
        path = write_checkpoint(tmp_path, snapshot(step))
    (path / "network.safetensors").write_bytes(b"torn")
    with pytest.raises(BadInput, match="is damaged"):
        read_checkpoint(path)
    newest = read_latest(tmp_path)
    assert newest is not None
    assert newest.step == 1


@pytest.mark.parametrize("name", ["network.safetensors", "state.json"])
def test_one_in_which_a_number_was_turned_over_is_passed_over(name: str, tmp_path: Path) -> None:
    """It reads as well as before, and would be another training."""
    for step in (1, 2):
        path = write_checkpoint(tmp_path, snapshot(step)) / name
    data = path.read_bytes()
    place = len(data) - 4 if name == "network.safetensors" else data.index(b"2")
    path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
    with pytest.raises(BadInput, match=r"is damaged.*its checksum differs"):
        read_checkpoint(path.parent)
    newest = read_latest(tmp_path)
    assert newest is not None
    assert newest.step == 1


def test_one_that_is_not_whole_is_refused(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, snapshot(1))
    (path / "COMPLETE").unlink()
    with pytest.raises(BadInput, match="is not whole"):
        read_checkpoint(path)
    with pytest.raises(NotFound, match='"latest"'):
        read_checkpoint(tmp_path / "nowhere")
    assert read_latest(tmp_path) is None


def test_what_a_kill_left_is_cleared(tmp_path: Path) -> None:
    for step in (1, 2):
        write_checkpoint(tmp_path, snapshot(step))
    (tmp_path / ".checkpoint-00000003.tmp").mkdir()
    clear_after(tmp_path, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-00000001"]


def test_a_state_holds_no_pickle(tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path, snapshot(1))
    assert {file.suffix for file in path.iterdir()} <= {".safetensors", ".json", ""}


def test_one_that_the_memory_does_not_take_is_not_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is whole: a training would go on from an older one, and say nothing."""
    for step in (1, 2):
        write_checkpoint(tmp_path, snapshot(step))

    def short(*given: object) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr("safetensors.safe_open", short)
    with pytest.raises(OutOfMemory, match="checkpoint-00000002"):
        read_latest(tmp_path)


def test_a_state_that_was_read_does_not_hang_on_its_file(tmp_path: Path) -> None:
    """States are removed while the training goes on."""
    path = write_checkpoint(tmp_path, snapshot(7))
    found = read_checkpoint(path)
    with open(path / "network.safetensors", "rb+") as file:
        file.seek(-12, 2)
        file.write(bytes(12))
    assert found.tensors["network"]["w"].tolist() == [7, 7, 7]
