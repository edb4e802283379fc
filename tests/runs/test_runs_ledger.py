"""Rows survive a kill, in whole batches."""

import itertools
import os
import signal
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from forking import start
from growing import bytes_a_row
from hypothesis import given, settings
from hypothesis import strategies as st

from runs.killed import commit_batches, commit_half
from solidmark.errors import BadInput
from solidmark.runs import Ledger, Rows

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
names = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(st.dictionaries(names, values, max_size=5))
@settings(max_examples=15, deadline=None)
def test_rows_come_back_as_they_were(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[str, object]
) -> None:
    folder = tmp_path_factory.mktemp("ledger")
    with Ledger(folder) as ledger:
        ledger.commit(rows)
        assert ledger.rows() == rows
        assert list(ledger.rows()) == sorted(rows)
        assert ledger.names() == set(rows)
    assert Ledger(folder).rows() == rows


def test_a_batch_that_fails_is_not_there_at_all(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.commit({"a": 1})
        with pytest.raises(TypeError):
            ledger.commit({"b": 2, "c": object()})
        with pytest.raises(TypeError):
            ledger.commit({"a": 5, "c": object()})
        assert ledger.rows() == {"a": 1}
        ledger.commit({"a": 3})
        assert ledger.rows() == {"a": 3}


def test_every_process_sees_the_rows_of_all(tmp_path: Path) -> None:
    with Ledger(tmp_path, 1) as one, Ledger(tmp_path, 0) as zero, Ledger(tmp_path, 12) as late:
        one.commit({"b": 1, "d": 1})
        zero.commit({"c": 0, "a": 0})
        late.commit({"aa": 12})
        rows = {"a": 0, "aa": 12, "b": 1, "c": 0, "d": 1}
        for ledger in (zero, one, late):
            assert list(ledger.rows().items()) == list(rows.items())
            assert ledger.names() == set(rows)
    assert {path.name for path in tmp_path.glob("*.sqlite")} == {
        "ledger-000.sqlite",
        "ledger-001.sqlite",
        "ledger-012.sqlite",
    }


def test_a_process_that_has_only_made_its_file_has_no_rows(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.commit({"a": 1})
        (tmp_path / "ledger-001.sqlite").write_bytes(b"")
        assert ledger.rows() == {"a": 1}


def test_a_file_that_is_no_ledger_is_not_taken_for_an_empty_one(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        (tmp_path / "ledger-001.sqlite").write_bytes(b"not a database" * 1000)
        with pytest.raises(BadInput, match=r"ledger-001.sqlite\" is damaged .*Remove that file"):
            ledger.rows()


@pytest.mark.parametrize(
    ("old", "new"), [(b"0.25", b"0.75"), (b"reading", b"heading"), (b"0.25", b"\xff.25")]
)
def test_a_byte_that_was_turned_over_is_no_row(tmp_path: Path, old: bytes, new: bytes) -> None:
    """The file is as good a database as before, and JSON is JSON."""
    with Ledger(tmp_path) as ledger:
        ledger.commit({"reading-0": {"key": 0.25}})
    path = tmp_path / "ledger-000.sqlite"
    path.write_bytes(path.read_bytes().replace(old, new))
    with Ledger(tmp_path) as ledger, pytest.raises(BadInput, match=r"damaged.*Remove that"):
        ledger.rows()


def test_a_ledger_of_a_version_without_checksums_goes_on(tmp_path: Path) -> None:
    for name in ("ledger-000.sqlite", "ledger-001.sqlite"):
        with sqlite3.connect(tmp_path / name) as connection:
            connection.execute("PRAGMA user_version=1")
            connection.execute("CREATE TABLE rows (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
            connection.execute("INSERT INTO rows VALUES (?, '1')", (name,))
        connection.close()
    with Ledger(tmp_path) as ledger:
        ledger.commit({"new": 2})
        assert ledger.rows() == {"ledger-000.sqlite": 1, "ledger-001.sqlite": 1, "new": 2}


def kill(target: Callable[..., None], *arguments: object, after: float = 0.0) -> None:
    child = start(target, *arguments)
    told = next((a for a in arguments if isinstance(a, Path) and a.suffix == ".txt"), None)
    before = told.stat().st_size if told and told.exists() else 0
    deadline = time.monotonic() + 60
    while told and time.monotonic() < deadline:
        if told.exists() and told.stat().st_size > before:
            break
        time.sleep(0.001)
    time.sleep(after)
    if told:
        os.kill(child.pid, signal.SIGKILL)
    child.join(60)
    assert child.exitcode == -signal.SIGKILL


def test_nothing_that_was_committed_is_lost_in_a_kill(tmp_path: Path) -> None:
    told = tmp_path / "told.txt"
    for round in range(6):
        padding = 10 ** (round % 5)
        kill(commit_batches, tmp_path / "ledger", told, padding, after=0.004 * round)
        batches = [int(line) for line in told.read_text().split()]
        rows = Ledger(tmp_path / "ledger").rows()
        assert len(rows) % 10 == 0, "half a batch"
        done = sorted({row[0] for row in rows.values()})
        assert done == list(range(len(done)))
        assert set(batches) <= set(done), "a committed batch is gone"
        assert len(done) - len(set(batches)) <= round + 1


def test_a_kill_within_a_batch_leaves_none_of_it(tmp_path: Path) -> None:
    kill(commit_half, tmp_path / "ledger")
    with Ledger(tmp_path / "ledger") as ledger:
        assert ledger.rows() == {"whole-0": 0, "whole-1": 1}
        ledger.commit({"half-0": 1})
        assert len(ledger.names()) == 3


def test_rows_are_read_as_they_are_asked_for(tmp_path: Path) -> None:
    """Each row costs its name, and not its value."""

    def reading(count: int) -> Callable[[], object]:
        folder = tmp_path / f"{count}-{next(numbers)}"
        with Ledger(folder) as ledger:
            for first in range(0, count, 100):
                ledger.commit({f"{n:06d}": {"read": [0.5] * 64} for n in range(first, first + 100)})

        def read() -> None:
            with Ledger(folder) as ledger:
                rows = ledger.rows()
            assert sum(row["read"][0] for _, row in rows.items()) == count / 2
            assert rows["000007"] == {"read": [0.5] * 64}

        return read

    numbers = itertools.count()
    assert bytes_a_row(reading, 2000, 6000) < 50


def test_of_two_rows_of_one_name_the_later_process_counts(tmp_path: Path) -> None:
    with Ledger(tmp_path, 1) as one, Ledger(tmp_path, 0) as zero:
        one.commit({"a": 1, "b": 1})
        zero.commit({"a": 0, "c": 0})
        rows = zero.rows()
        assert dict(rows.items()) == {name: rows[name] for name in rows} == {"a": 1, "b": 1, "c": 0}
        assert len(rows) == 3
        assert rows.get("d") is None


@pytest.mark.parametrize(
    ("old", "new"),
    [(b"TABLE rows", b"TABLE \xff\xff\xff\xff"), (b"TEXT PRIMARY", b"\xff\xff\xff\xff (((((((")],
)
def test_a_ledger_whose_damage_is_no_text_is_named(old: bytes, new: bytes, tmp_path: Path) -> None:
    """What SQLite says then quotes the file."""
    with Ledger(tmp_path) as ledger:
        ledger.commit({"a": 1})
    path = tmp_path / "ledger-000.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    path.write_bytes(path.read_bytes().replace(old, new))
    with pytest.raises(BadInput, match=r"ledger-000\.sqlite.*is damaged"):
        dict(Rows(tmp_path).items())


def test_a_ledger_of_a_format_that_sqlite_does_not_know_is_named(tmp_path: Path) -> None:
    with Ledger(tmp_path) as ledger:
        ledger.commit({"a": 1})
    path = tmp_path / "ledger-000.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    data = path.read_bytes()
    path.write_bytes(data[:44] + b"\0\0\0\x09" + data[48:])  # The number of the format.
    with pytest.raises(BadInput, match=r"ledger-000\.sqlite.*is damaged"):
        dict(Rows(tmp_path).items())
