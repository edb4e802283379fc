"""Vectors that were computed once: found again by what made them and of which pixels.

SQLite in WAL mode, one file for all embedders and processes. A batch is there whole or not at all,
so a kill at any moment costs at most the batch that was being computed. WAL needs a disk of the
machine itself: on a network share, name a folder elsewhere.
"""

import json
import os
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
from jaxtyping import Float

from solidmark.data import Sample
from solidmark.embed.embedder import Embedder, EmbedderCard
from solidmark.errors import BadInput
from solidmark.late import Tensor, torch
from solidmark.runs.progress import Advance

FILE = "embeddings.sqlite"
SECONDS_TO_WAIT = 60.0
_TABLES = (
    "CREATE TABLE IF NOT EXISTS embedders (key TEXT PRIMARY KEY, card TEXT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS vectors (embedder TEXT NOT NULL, content TEXT NOT NULL, "
    "vector BLOB NOT NULL, checksum INTEGER, PRIMARY KEY (embedder, content))",
)


def default_folder() -> Path:
    """$SOLIDMARK_CACHE, else $XDG_CACHE_HOME/solidmark, else ~/.cache/solidmark."""
    if own := os.environ.get("SOLIDMARK_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "solidmark"


@dataclass(frozen=True)
class Cache:
    """Vectors on disk.

    A connection lives for one call, so that a cache may be used by threads and forked processes.

    Arguments:
        folder: Where they lie; it is made when something is written.
    """

    folder: Path = field(default_factory=default_folder)

    def read(self, card: EmbedderCard, contents: Iterable[str]) -> dict[str, Tensor]:
        """The vectors that are there, by content hash.

        Arguments:
            card: Of the embedder.
            contents: The content hashes asked for.

        Raises:
            BadInput: When the file is no cache.
        """
        if not (self.folder / FILE).exists():
            return {}
        with self._connection() as connection:
            rows = connection.execute(
                "SELECT content, vector, checksum FROM vectors WHERE embedder = ? "
                "AND content IN (SELECT value FROM json_each(?))",
                (card.key, json.dumps(list(contents))),
            )
            # SQLite has no checksums: what a disk has changed is computed again. Rows of before
            # have none, and are taken as they are.
            return {
                content: _from_bytes(blob)
                for content, blob, checksum in rows
                if checksum is None or checksum == _checksum(content, blob)
            }

    def write(self, card: EmbedderCard, vectors: Mapping[str, Tensor]) -> None:
        """Keeps vectors, all of them or none. They take the place of what is there.

        Arguments:
            card: Of the embedder.
            vectors: By content hash.

        Raises:
            BadInput: When the folder cannot be written, or the file is no cache.
        """
        blobs = {content: _to_bytes(vector) for content, vector in vectors.items()}
        rows = [(card.key, one, blob, _checksum(one, blob)) for one, blob in blobs.items()]
        with self._connection() as connection, connection:
            text = json.dumps(asdict(card), sort_keys=True)
            connection.execute("INSERT OR IGNORE INTO embedders VALUES (?, ?)", (card.key, text))
            connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)", rows)

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        path = self.folder / FILE
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(path, timeout=SECONDS_TO_WAIT)) as connection:
                _prepare(connection)
                yield connection
        except (sqlite3.DatabaseError, OSError) as error:
            raise BadInput(
                f'The cache "{path}" cannot be used ({error}). Name another folder with --cache, '
                "or remove the file."
            ) from error


def _prepare(connection: sqlite3.Connection) -> None:
    """Makes the tables of a new file. Several processes may do so at the same time."""
    deadline = time.monotonic() + SECONDS_TO_WAIT
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            # A kill of the process loses nothing; a power cut may cost the last batches.
            connection.execute("PRAGMA synchronous=NORMAL")
            with connection:
                for table in _TABLES:
                    connection.execute(table)
                columns = connection.execute("PRAGMA table_info(vectors)").fetchall()
                if all(column[1] != "checksum" for column in columns):  # A cache of before.
                    connection.execute("ALTER TABLE vectors ADD COLUMN checksum INTEGER")
            return
        except sqlite3.OperationalError as error:
            # The change to WAL does not wait for other processes by itself.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _checksum(content: str, blob: bytes) -> int:
    """The checksum of a row: of the content that it is the vector of, and of the vector."""
    return zlib.crc32(blob, zlib.crc32(content.encode()))


def _to_bytes(vector: Tensor) -> bytes:
    return vector.detach().cpu().numpy().astype("<f4").tobytes()


def _from_bytes(blob: bytes) -> Tensor:
    return torch.from_numpy(np.frombuffer(blob, dtype="<f4").astype(np.float32))


def embed_samples(
    embedder: Embedder,
    samples: Iterable[Sample],
    cache: Cache | None = None,
    *,
    batch_size: int = 32,
    advance: Advance | None = None,
) -> Float[Tensor, "N D"]:
    """The vectors of samples, computed only where the cache has none.

    Samples with equal pixels share a vector. Each batch is kept as soon as it is computed, so the
    same call after a kill goes on where it was.

    Arguments:
        embedder: Who embeds.
        samples: Images with their content hashes. They are drawn one batch at a time.
        cache: Where vectors are kept; None computes all of them.
        batch_size: How many images are looked up, and embedded, at a time.
        advance: Is told how many samples are done.

    Returns:
        Float32, one row a sample, in their order.

    Raises:
        BadInput: When the cache cannot be used, or a vector is not made of numbers.
    """
    rows: list[Tensor] = []
    for batch in _batches(samples, batch_size):
        images = {sample.content: sample.image for sample in batch}
        known = cache.read(embedder.card, images) if cache else {}
        missing = [content for content in images if content not in known]
        if missing:
            made = embedder.embed([images[content] for content in missing])
            new = dict(zip(missing, made, strict=True))
            if cache:
                cache.write(embedder.card, new)
            known |= new
        rows += [known[sample.content] for sample in batch]
        if advance:
            advance(len(batch))
    return torch.stack(rows) if rows else torch.empty(0, embedder.card.dimensions)


def _batches(samples: Iterable[Sample], size: int) -> Iterator[list[Sample]]:
    iterator = iter(samples)
    while batch := list(islice(iterator, size)):
        yield batch
