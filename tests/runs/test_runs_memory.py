"""A lack of memory is one thing, in whatever words, and is told from every other error."""

import errno
import os
from collections.abc import Callable

import pytest
import torch
from safetensors import SafetensorError

from solidmark.errors import BadInput, OutOfMemory
from solidmark.runs import CURE, Room, free_bytes, in_words, memory, memory_for, shortage

CPU = "[enforce fail at alloc_cpu.cpp:119] err == 0. DefaultCPUAllocator: can't allocate memory"
GPU = "CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has a total capacity of 23.6 GiB"


def wrapped() -> BaseException:
    """As diffusers says that a file of weights cannot be loaded."""
    try:
        try:
            raise RuntimeError(CPU)
        except RuntimeError as error:
            try:
                raise ValueError("Unable to locate the file") from error
            except ValueError:
                raise OSError("Unable to load weights from checkpoint file for 'a'") from None
    except OSError as error:
        return error


LACKS: dict[str, BaseException] = {
    "Python's": MemoryError(),
    "torch's on a GPU": torch.OutOfMemoryError(GPU),
    "torch's on the CPU": RuntimeError(CPU),
    "of a driver": RuntimeError("CUDA error: out of memory"),
    "of a library of the GPU": RuntimeError("CUDNN_STATUS_ALLOC_FAILED"),
    "of Apple": RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
    "of the system": OSError(errno.ENOMEM, os.strerror(errno.ENOMEM), "weights"),
    "of the system, through a library": SafetensorError("Cannot allocate memory (os error 12)"),
    "behind another error": wrapped(),
}
OTHERS: dict[str, BaseException] = {
    "a size": RuntimeError("size mismatch"),
    "a value": ValueError(GPU),
    "a name": FileNotFoundError(errno.ENOENT, "No such file", "out of memory.png"),
    "a damaged file": SafetensorError("Error while deserializing header: header too large"),
    "a full disk": SafetensorError("I/O error: No space left on device (os error 28)"),
}


@pytest.mark.parametrize("name", LACKS)
def test_a_lack_of_memory_is_known(name: str) -> None:
    said = shortage(LACKS[name])
    assert said
    assert "\n" not in said


@pytest.mark.parametrize("name", OTHERS)
def test_no_other_error_is_taken_for_one(name: str) -> None:
    assert shortage(OTHERS[name]) is None
    with pytest.raises(type(OTHERS[name])), memory_for("a thing"):
        raise OTHERS[name]


@pytest.mark.parametrize("name", LACKS)
def test_what_is_needed_and_what_there_was_is_said(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: 3 * 2**30)
    with pytest.raises(OutOfMemory) as told, memory_for('the part "unet"', 5 * 2**30, "cuda:1"):
        raise LACKS[name]
    said = str(told.value)
    assert 'for the part "unet": it needs 5.0 GiB and "cuda:1" had 3.0 GiB free (' in said
    assert CURE in said
    assert "\n" not in said
    for option in ("--precision", "--text-precision", "--offload", "--batch-size"):
        assert option in said


def test_what_nobody_knows_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "free_bytes", lambda device: None)
    with pytest.raises(OutOfMemory, match=r'for the LoRA "a" \('), memory_for('the LoRA "a"'):
        raise MemoryError


def test_a_lack_that_was_said_is_not_said_again() -> None:
    said = OutOfMemory("The memory is not enough for the inner thing.")
    with pytest.raises(OutOfMemory, match="inner"), memory_for("the outer thing"):
        raise said from RuntimeError(CPU)


@pytest.mark.parametrize("name", LACKS)
def test_fewer_images_are_tried_whoever_says_it(name: str) -> None:
    if isinstance(LACKS[name], OSError | SafetensorError):
        pytest.skip("Of files, not of images.")
    room, asked = Room(4, "cpu"), []

    def ask(size: int) -> int:
        asked.append(size)
        if size > 1:
            raise LACKS[name]
        return size

    assert room.fit(ask) == 1
    assert asked == [4, 2, 1]


def test_the_last_image_names_what_needs_less() -> None:
    def ask(size: int) -> None:
        raise torch.OutOfMemoryError(GPU)

    with pytest.raises(BadInput, match="--text-precision bf16, --offload"):
        Room(2, "cpu").fit(ask)


def test_what_is_free_is_within_the_limit_of_the_container(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "meminfo": {"MemAvailable:": 8 * 2**20},  # In KiB.
        "memory.stat": {"inactive_file": 2**30},
    }
    limits = {"memory.max": 4 * 2**30, "memory.current": 3 * 2**30}
    monkeypatch.setattr(memory, "_entries", lambda path: files[path.name])
    monkeypatch.setattr(memory, "_number", lambda path: limits.get(path.name))
    assert free_bytes("cpu") == 2 * 2**30
    limits.clear()
    assert free_bytes("cpu") == 8 * 2**30
    files["status"] = {"VmSize:": 2**20}
    monkeypatch.setattr("resource.getrlimit", lambda which: (3 * 2**30, -1))
    assert free_bytes("cpu") == 2 * 2**30, "the limit of the process"
    files["meminfo"] = {}
    assert free_bytes("cpu") is None


def test_what_is_free_here() -> None:
    found = free_bytes("cpu")
    assert found is None or 0 <= found < 2**50
    assert free_bytes("meta") is None


@pytest.mark.parametrize(
    ("size", "words"),
    [(0, "0 MiB"), (5 * 2**20, "5 MiB"), (2**30, "1.0 GiB"), (13 * 2**30 + 2**29, "13.5 GiB")],
)
def test_sizes_in_words(size: int, words: str) -> None:
    assert in_words(size) == words


def test_on_a_gpu_what_torch_holds_and_does_not_use_is_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answers: dict[str, Callable[[str], object]] = {
        "mem_get_info": lambda device: (10, 24),
        "memory_reserved": lambda device: 7,
        "memory_allocated": lambda device: 4,
    }
    for name, answer in answers.items():
        monkeypatch.setattr(torch.cuda, name, answer)
    assert free_bytes("cuda:0") == 13
