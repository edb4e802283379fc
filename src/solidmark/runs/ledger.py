"""The ledger: rows that survive a kill.

SQLite in WAL mode, one file per process, one transaction per batch: a batch is done or it is not.
Since whole batches are committed and the partition into batches is fixed before the work starts,
a resumed run makes the very batches that an uninterrupted one makes.

SQLite keeps no checksums of what stands in its file, so each row has one: a byte that a disk has
turned over would be a reading of its own.
"""

import json
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from solidmark.runs.files import make_private
from solidmark.runs.formats import VERSION, require_version
from solidmark.runs.rows import CURE, Rows, checksum_of, has_checksums, told


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
        with told(path):
            (version,) = self._connection.execute("PRAGMA user_version").fetchone()
            require_version(path, version or None, CURE)
            self._connection.execute("PRAGMA journal_mode=WAL")
            self._connection.execute("PRAGMA synchronous=FULL")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS rows "
                "(name TEXT PRIMARY KEY, value TEXT NOT NULL, checksum INTEGER)"
            )
            if not has_checksums(self._connection):  # That of an earlier version.
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
                [(name, value, checksum_of(name, value)) for name, value in written],
            )

    def names(self) -> set[str]:
        """The names of all rows that any process has committed."""
        return set(Rows(self._folder, checked=False))

    def rows(self) -> Rows:
        """All rows that any process has committed, sorted by name.

        Raises:
            BadInput: When one of them is not what was written.
        """
        return Rows(self._folder)
