"""The ledger: rows that survive a kill.

SQLite in WAL mode, one file per process, one transaction per batch: a batch is done or it is not.
Since whole batches are committed and the partition into batches is fixed before the work starts,
a resumed run makes the very batches that an uninterrupted one makes.

SQLite keeps no checksums of what stands in its file, so each row has one: a byte that a disk has
turned over would be a reading of its own.
"""

import json
import sqlite3
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from solidmark.errors import BadInput
from solidmark.runs.files import make_private
from solidmark.runs.formats import VERSION, require_version

_CURE = "Remove that file and run the same command again: what it held is done anew."


class Ledger:
    """The rows of one process, and the sight of those of all processes.

    Arguments:
        folder: Where the ledger files live.
        rank: The process that writes.
    """

    def __init__(self, folder: Path, rank: int = 0) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        path = folder / f"ledger-{rank:03d}.sqlite"
        make_private(path)
        self._connection = sqlite3.connect(path, timeout=60)
        with _told(path):
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            require_version(path, version or None, _CURE)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS rows "
                "(name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER)"
            )
            if not _has_checksums(self._connection):  # That of an earlier version.
                self._connection.execute("ALTER TABLE rows ADD COLUMN checksum INTEGER")
            self._connection.execute(f"PRAGMA user_version={VERSION}")
            self._connection.commit()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def commit(self, rows: Mapping[str, Any]) -> None:
        """Writes a batch of rows, all of them or none. Files they speak of must be there first."""
        written = [(name, json.dumps(value)) for name, value in rows.items()]
        with self._connection:
            self._connection.executemany(
                "INSERT OR REPLACE INTO rows VALUES (?, ?, ?)",
                [(name, value, _checksum(name, value)) for name, value in written],
            )

    def names(self) -> set[str]:
        """The names of all rows that any process has committed."""
        return {name for name, _, _ in self._all("SELECT name, NULL, NULL FROM rows")}

    def rows(self) -> dict[str, Any]:
        """All rows that any process has committed, sorted by name.

        Raises:
            BadInput: When one of them is not what was written.
        """
        found = {}
        for name, value, checksum in self._all("SELECT name, value, checksum FROM rows"):
            if checksum is not None and checksum != _checksum(name, value):
                raise self._damaged("its checksum differs")
            try:
                found[name] = json.loads(value)
            except (ValueError, TypeError, RecursionError) as error:
                raise self._damaged(error) from error
        return dict(sorted(found.items()))

    def _damaged(self, why: object) -> BadInput:
        return BadInput(f'The ledger in "{self._folder}" has a damaged row ({why}). {_CURE}')

    def _all(self, query: str) -> Iterator[tuple[str, str, int | None]]:
        for path in sorted(self._folder.glob("ledger-*.sqlite")):
            connection = sqlite3.connect(path, timeout=60)
            try:
                with _told(path):
                    (version,) = connection.execute("PRAGMA user_version").fetchone()
                    require_version(path, version or None, _CURE)
                    if not _has_checksums(connection):
                        query = query.replace("checksum", "NULL")
                    rows = connection.execute(query).fetchall()
                yield from rows
            except sqlite3.OperationalError as error:
                # Another process has made its file but not yet its table: it has no rows.
                if "no such table" not in str(error):
                    raise
            finally:
                connection.close()


def _checksum(name: str, value: str) -> int:
    return zlib.crc32(f"{name}\0{value}".encode("utf-8", "surrogatepass"))


def _has_checksums(connection: sqlite3.Connection) -> bool:
    return any(row[1] == "checksum" for row in connection.execute("PRAGMA table_info(rows)"))


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Names a damaged file, and what to do; what the system refuses is said elsewhere."""
    try:
        yield
    except sqlite3.OperationalError as error:
        if "Could not decode" in str(error):  # And then the text, which may be long.
            raise BadInput(f'The ledger "{path}" is damaged (not UTF-8). {_CURE}') from error
        if "no such column" not in str(error):
            raise
        raise BadInput(f'The ledger "{path}" is of another program ({error}). {_CURE}') from error
    except sqlite3.DatabaseError as error:
        raise BadInput(f'The ledger "{path}" is damaged ({error}). {_CURE}') from error
