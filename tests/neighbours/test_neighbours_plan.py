"""The memory is divided, and kept to."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from neighbours.naive import least_memory
from solidmark.errors import BadInput
from solidmark.neighbours.plan import TILE, plan_search

TESTS = str(Path(__file__).parents[1])
MB = 2**20


@given(
    width=st.integers(1, 10**6),
    parts=st.sampled_from([1, 16]),
    keep=st.integers(1, 2000),
    queries=st.integers(1, 10**6),
    memory=st.integers(17 * MB, 2**36),
)
def test_a_plan_fits_or_says_what_is_needed(
    width: int, parts: int, keep: int, queries: int, memory: int
) -> None:
    try:
        plan = plan_search(width, parts, keep, queries, memory)
    except BadInput as error:
        needed = int(str(error).split("--memory of ")[1].split(" MB")[0])
        assert needed * MB > memory
        plan_search(width, parts, keep, queries, needed * MB)
        return
    assert 1 <= plan.queries <= queries
    assert 1 <= plan.base <= TILE
    assert plan.pairs >= 1
    # What must be there at once: the queries and their candidates, a block of the base.
    assert 4 * width * (plan.queries + plan.base) + 12 * keep * plan.queries < memory


def test_more_memory_holds_more() -> None:
    plans = [plan_search(3072, 1, 64, 10**6, memory * MB) for memory in (32, 64, 512, 4096)]
    assert [plan.queries for plan in plans] == sorted({plan.queries for plan in plans})
    assert plans[-1].base == TILE


def test_photos_of_512_pixels_fit_into_the_default() -> None:
    assert plan_search(3 * 512**2, 16, 64, 5000, 2**30).queries > 64


def test_too_little_memory_is_said_in_a_line() -> None:
    with pytest.raises(BadInput, match=r"rows of 3072 values needs --memory of \d+ MB .* not 1\."):
        plan_search(3072, 1, 15, 10, MB)
    assert least_memory(3072, 1, 15) < 20 * MB


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "width", "queries", "rows", "k", "memory"),
    [
        ("bytes", 3072, 6000, 2000, 1, 64),
        ("float32", 3072, 3000, 2000, 50, 64),
        ("float32", 64, 20_000, 3000, 50, 64),
        ("bytes", 49_152, 200, 300, 10, 100),
        ("closer", 8, 2000, 10_000, 1, 32),
    ],
)
def test_a_search_keeps_to_its_memory(
    kind: str, width: int, queries: int, rows: int, k: int, memory: int
) -> None:
    """Also where each row is nearer than all before it, so that every pair is a candidate."""
    words = [kind, *map(str, (width, queries, rows, k, memory * MB))]
    done = subprocess.run(
        [sys.executable, str(Path(__file__).parent / "measured.py"), *words],
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": TESTS},
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    assert MB < int(done.stdout) < memory * MB
