"""Freed memory that is kept: what the allocator is told, and when it is told nothing."""

import ctypes
import os
import sys
from types import SimpleNamespace

import pytest

from solidmark.runs import keep_freed


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """What an allocator of glibc is told in place of this process's own."""
    found: list[tuple[int, int]] = []

    def mallopt(what: int, value: int) -> int:
        found.append((what, value))
        return 1

    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=mallopt))
    monkeypatch.setattr(sys, "platform", "linux")
    for name in [name for name in os.environ if name.startswith(("MALLOC_", "GLIBC_"))]:
        monkeypatch.delenv(name)
    return found


def test_large_blocks_come_from_the_heap_and_its_end_is_kept(told: list[tuple[int, int]]) -> None:
    assert keep_freed()
    assert told == [(-3, 32 * 2**20), (-1, 2**30)]


@pytest.mark.parametrize("name", ["MALLOC_TRIM_THRESHOLD_", "MALLOC_ARENA_MAX", "GLIBC_TUNABLES"])
def test_what_the_environment_says_of_the_allocator_holds(
    told: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "1")
    assert not keep_freed()
    assert not told


def test_no_other_system_is_told(
    told: list[tuple[int, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not keep_freed()
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda _: SimpleNamespace())
    assert not keep_freed()
    assert not told
