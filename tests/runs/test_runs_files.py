"""Files are whole or not there, and their fingerprint says what they hold."""

import errno
import json
import os
import signal
import time
from pathlib import Path

import pytest
import torch
from forking import start
from safetensors import SafetensorError
from safetensors.torch import save
from unwritable import unwritable

from runs.killed import SIZE, write_files
from solidmark.runs import files as files_module
from solidmark.runs import fingerprint, remove_temporaries, whole_file, write_bytes, write_tensors
from solidmark.runs.tensors import CHECKSUM, HEAD, checksum_of


def test_writing_makes_the_folders_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "c.bin"
    write_bytes(path, b"one")
    write_bytes(path, b"two")
    assert path.read_bytes() == b"two"
    assert [child.name for child in path.parent.iterdir()] == ["c.bin"]


def test_a_failed_writing_keeps_the_old_file_and_clears_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files_module.os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        write_bytes(path, b"new")
    assert path.read_bytes() == b"old"
    assert [child.name for child in tmp_path.iterdir()] == ["a.bin"]


def test_what_is_there_is_as_good_as_written_where_nothing_can_be(tmp_path: Path) -> None:
    path = tmp_path / "a.bin"
    write_bytes(path, b"one two")
    with unwritable(tmp_path):
        write_bytes(path, b"one two")
        with whole_file(path) as file:
            assert (file.write(b"one"), file.tell(), file.write(b" two")) == (3, 3, 4)
        for other in (b"one", b"one too", b"one two three", b""):
            with pytest.raises(PermissionError) as raised:
                write_bytes(path, other)
            assert raised.value.filename == str(path)
        with pytest.raises(PermissionError):
            write_bytes(tmp_path / "b.bin", b"")
    assert path.read_bytes() == b"one two"
    assert [child.name for child in tmp_path.iterdir()] == ["a.bin"]


TENSORS = {"b": torch.arange(6.0).reshape(2, 3), "a": torch.ones(2, dtype=torch.bfloat16)}


@pytest.mark.parametrize("metadata", [None, {"of": "a test"}])
def test_tensors_go_into_the_file_and_not_through_bytes(
    metadata: dict[str, str] | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = dict(metadata or {})
    told[CHECKSUM] = checksum_of(TENSORS, told)
    expected = save(TENSORS, {HEAD: json.dumps(told, sort_keys=True)})

    def held(*given: object, **named: object) -> bytes:
        raise AssertionError("they were held twice")

    monkeypatch.setattr("safetensors.torch.save", held)
    monkeypatch.setattr("safetensors.serialize", held)
    path = tmp_path / "a" / "weights.safetensors"
    write_tensors(path, TENSORS, metadata)
    assert path.read_bytes() == expected
    assert [child.name for child in path.parent.iterdir()] == [path.name]


def test_what_the_system_refuses_the_library_is_said_by_its_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "weights.safetensors"
    write_tensors(path, TENSORS)
    before = path.read_bytes()

    def full(*given: object, **named: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("safetensors.torch.save_file", full)
    with pytest.raises(OSError, match="No space left") as told:
        write_tensors(path, TENSORS)
    assert told.value.errno == errno.ENOSPC
    assert path.read_bytes() == before
    assert [child.name for child in tmp_path.iterdir()] == [path.name]


def test_a_file_killed_while_it_is_written_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "large.bin"
    for round in range(8):
        started = tmp_path / f"started-{round}"
        child = start(write_files, path, started)
        deadline = time.monotonic() + 60
        while not started.exists() and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(0.003 * round)
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        data = path.read_bytes()
        assert len(data) == SIZE
        assert data == data[:1] * SIZE
    remove_temporaries(tmp_path)
    assert list(tmp_path.glob(".*")) == []
    assert path.is_file()


def test_clearing_up_takes_temporaries_only(tmp_path: Path) -> None:
    for name in (".a.png.12.tmp", ".hidden", "b.tmp", "c.png"):
        (tmp_path / name).write_bytes(b"")
    remove_temporaries(tmp_path)
    remove_temporaries(tmp_path / "nowhere")
    assert {path.name for path in tmp_path.iterdir()} == {".hidden", "b.tmp", "c.png"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, data in {"a.txt": b"1", "deep/b.txt": b"2", "deep/er/c.txt": b""}.items():
        write_bytes(tmp_path / name, data)
    return tmp_path


def test_a_fingerprint_is_a_function_of_names_and_bytes(folder: Path) -> None:
    before = fingerprint(folder)
    assert fingerprint(folder) == before
    os.utime(folder / "a.txt", (0, 0))
    assert fingerprint(folder) == before
    (folder / "a.txt").write_bytes(b"x")
    changed = fingerprint(folder)
    (folder / "a.txt").write_bytes(b"1")
    assert fingerprint(folder) == before
    (folder / "a.txt").rename(folder / "z.txt")
    renamed = fingerprint(folder)
    (folder / "z.txt").rename(folder / "deep" / "a.txt")
    moved = fingerprint(folder)
    (folder / "deep" / "a.txt").unlink()
    gone = fingerprint(folder)
    assert len({before, changed, renamed, moved, gone}) == 5


def test_hidden_files_do_not_count(folder: Path) -> None:
    before = fingerprint(folder)
    write_bytes(folder / ".cache" / "x", b"1")
    write_bytes(folder / "deep" / ".b.txt.123.tmp", b"1")
    assert fingerprint(folder) == before
    write_bytes(folder / "deep" / "seen", b"1")
    assert fingerprint(folder) != before


def test_a_folder_below_a_hidden_one_counts(folder: Path, tmp_path: Path) -> None:
    write_bytes(tmp_path / ".home" / "model" / "a", b"1")
    write_bytes(tmp_path / ".home" / "other" / "a", b"2")
    assert fingerprint(tmp_path / ".home" / "model") != fingerprint(tmp_path / ".home" / "other")


def test_the_fingerprint_of_a_file_is_its_sha256(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"abc")
    assert fingerprint(tmp_path / "a") == "ba7816bf8f01cfea"
