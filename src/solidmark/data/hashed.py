"""Ids as keyed hashes: who holds the secret can say which image is meant, and nobody else.

.. math:: h = \\mathrm{HMAC}_s(\\text{kind}, \\text{name})

A plain hash of a file name or of a patient's number is undone by trying all that there may be; a
keyed one is not. The secret is a file of the user's. One secret gives one image the same hash in
every command.
"""

import csv
import fcntl
import hmac
import io
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from solidmark.data.records import Record, ordered, unnamed
from solidmark.errors import BadInput
from solidmark.runs import VERSION, csv_of, read_ours, write_bytes, write_once

DIGITS = 20
"""Hexadecimal digits of a hash: 80 bits, so that a million images share none."""
_BYTES = 32
_COLUMNS = ("hashed", "kind", "name")


@dataclass(frozen=True)
class Pseudonyms:
    """Calls images and groups by keyed hashes.

    Arguments:
        secret: The key of the hashes.

    References:
        HMAC: Keyed-Hashing for Message Authentication (RFC 2104), with SHA-256.

    Example:
        >>> Pseudonyms(b"secret").of("id", "scan-7.png")
        '3acc318703c9c14515a3'
    """

    secret: bytes = field(repr=False)

    def of(self, kind: str, name: str) -> str:
        """The hash of a name; those of an image and of a group with one name differ."""
        said = f"{kind}\0{name}".encode("utf-8", "surrogatepass")
        return hmac.digest(self.secret, said, "sha256").hex()[:DIGITS]


def open_pseudonyms(file: Path) -> Pseudonyms:
    """The secret of a file, which is made where it is not there, for its owner alone.

    Raises:
        BadInput: When the file holds something else.
    """
    text = f'{{"version": {VERSION}, "secret": "{secrets.token_hex(_BYTES)}"}}\n'
    if not file.exists():
        write_once(file, text.encode())
    found = read_ours(file, "Name a file that --hash-ids has made, or a new one.", secret=str)
    try:
        return Pseudonyms(bytes.fromhex(found["secret"]))
    except ValueError as error:
        raise BadInput(f'"{file}" holds no secret of ours. Name another file.') from error


def hashed(records: Sequence[Record], pseudonyms: Pseudonyms, file: Path) -> tuple[Record, ...]:
    """Records whose ids and groups are hashes, in the order of these.

    Arguments:
        records: The records, with the names that they have.
        pseudonyms: Gives the hashes.
        file: Where the secret is. Beside it, in `FILE.csv`, it is kept which hash is which, for its
            owner alone; it grows with every data set.
    """
    names: dict[str, tuple[str, str]] = {}

    def called(kind: str, name: str) -> str:
        found = pseudonyms.of(kind, name)
        names[found] = (kind, name)
        return found

    found = [
        replace(
            record,
            id=called("id", record.id),
            group=None if record.group is None else called("group", record.group),
            place="",
            flaw=None if record.flaw is None else unnamed(record.flaw),
        )
        for record in records
    ]
    with open(file, "rb") as secret:  # Commands at the same time add one after the other.
        with suppress(OSError):  # Of a file system without locks.
            fcntl.flock(secret, fcntl.LOCK_EX)
        _keep(Path(f"{file}.csv"), names)
    return ordered(found)


def _keep(path: Path, names: dict[str, tuple[str, str]]) -> None:
    """Adds to the list of which hash is which what is not in it."""
    there = list(_rows(path))
    known = {row[0] for row in there}
    more = [(found, *told) for found, told in names.items() if found not in known]
    if more:
        write_bytes(path, csv_of(_COLUMNS, sorted([*there, *more])), private=True)


def _rows(path: Path) -> Iterable[tuple[str, ...]]:
    if not path.is_file():
        return
    text = path.read_text(encoding="utf-8", errors="replace")
    for row in list(csv.reader(io.StringIO(text, newline="")))[1:]:
        if len(row) == len(_COLUMNS):
            yield tuple(row)
