"""The rows of all processes together: read from their files as they are asked for.

A row of a large run is a few hundred bytes on the disk and some thousand as a Python object, so
nobody holds them all.
"""

import heapq
import json
import sqlite3
import weakref
import zlib
from collections.abc import ItemsView, Iterator, Mapping
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.runs.formats import require_version

CURE = "Remove that file and run the same command again: what it held is done anew."

_Line = tuple[str, str, int | None]
"""A row as it lies in a file: its name, its value as JSON, and its checksum where it has one."""


class Rows(Mapping[str, Any]):
    """The rows of a ledger by name, sorted.

    Arguments:
        folder: Where the files of all processes lie.
        checked: Whether each row is compared with its checksum first.

    Raises:
        BadInput: When one of the rows is not what was written.
    """

    def __init__(self, folder: Path, *, checked: bool = True) -> None:
        self._folder = folder
        self._files = {path: _opened(path) for path in sorted(folder.glob("ledger-*.sqlite"))}
        weakref.finalize(self, _close, list(self._files.values()))
        for line in self._lines() if checked else ():
            self._value(line, only_checked=True)

    def __getitem__(self, name: str) -> Any:
        for path, connection in reversed(self._files.items()):
            for line in _asked(path, connection, "WHERE name = ?", name):
                return self._value(line)
        raise KeyError(name)

    def any_of(self, about: str) -> bool:
        """Whether there is a row whose name begins with a word."""
        return any(
            line[0].startswith(f"{about} ")
            for path, connection in self._files.items()
            for line in _asked(
                path, connection, "WHERE name > ? ORDER BY name LIMIT 1", f"{about} "
            )
        )

    def __iter__(self) -> Iterator[str]:
        return (name for name, _, _ in self._lines())

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def items(self) -> ItemsView[str, Any]:
        return _Items(self)

    def each(self) -> Iterator[tuple[str, Any]]:
        """All rows, one after the other."""
        return ((line[0], self._value(line)) for line in self._lines())

    def _lines(self) -> Iterator[_Line]:
        """Sorted by name; of two of one name, that of the later file."""
        files = (_asked(path, connection) for path, connection in self._files.items())
        for _, same in groupby(heapq.merge(*files, key=_named), key=_named):
            yield list(same)[-1]

    def _value(self, line: _Line, *, only_checked: bool = False) -> Any:
        """What stands in a row; where it is only checked, its checksum is enough."""
        name, value, checksum = line
        if checksum is not None:
            if checksum != checksum_of(name, value):
                raise self._damaged("its checksum differs")
            if only_checked:
                return None
        try:
            return json.loads(value)
        except (ValueError, TypeError, RecursionError) as error:
            raise self._damaged(error) from error

    def _damaged(self, why: object) -> BadInput:
        return BadInput(f'The ledger in "{self._folder}" has a damaged row ({why}). {CURE}')


class _Items(ItemsView[str, Any]):
    """Rows with their names, in one go through the files."""

    def __init__(self, rows: Rows) -> None:
        super().__init__(rows)
        self._rows = rows

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return self._rows.each()


def checksum_of(name: str, value: str) -> int:
    """The checksum of a row, of its name and its JSON."""
    return zlib.crc32(f"{name}\0{value}".encode("utf-8", "surrogatepass"))


def has_checksums(connection: sqlite3.Connection) -> bool:
    """Whether the rows of a file have checksums; those of an earlier version have none."""
    return any(row[1] == "checksum" for row in connection.execute("PRAGMA table_info(rows)"))


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Names a damaged file, and what to do; what the system refuses is said elsewhere."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "Could not decode" in str(error):  # And then the text, which may be long.
            raise BadInput(f'The ledger "{path}" is damaged (not UTF-8). {CURE}') from error
        if "unsupported file format" in str(error):
            raise BadInput(f'The ledger "{path}" is damaged ({error}). {CURE}') from error
        if "no such column" not in str(error):
            raise
        raise BadInput(f'The ledger "{path}" is of another program ({error}). {CURE}') from error
    except UnicodeDecodeError as error:  # What SQLite says of it quotes the file.
        raise BadInput(f'The ledger "{path}" is damaged (not UTF-8). {CURE}') from error
    except sqlite3.DatabaseError as error:
        raise BadInput(f'The ledger "{path}" is damaged ({error}). {CURE}') from error


def _opened(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60)
    try:
        with told(path):
            (version,) = connection.execute("PRAGMA user_version").fetchone()
            require_version(path, version or None, CURE)
    except BaseException:
        connection.close()
        raise
    return connection


def _close(connections: list[sqlite3.Connection]) -> None:
    for connection in connections:
        connection.close()


def _asked(
    path: Path, connection: sqlite3.Connection, which: str = "ORDER BY name", *values: str
) -> Iterator[_Line]:
    """Some rows of one file."""
    try:
        with told(path):
            checksum = "checksum" if has_checksums(connection) else "NULL"
            query = f"SELECT name, value, {checksum} FROM rows {which}"
            yield from connection.execute(query, values)
    except sqlite3.OperationalError as error:
        # Another process has made its file but not yet its table: it has no rows.
        if "no such table" not in str(error):
            raise


def _named(line: _Line) -> str:
    return line[0]
