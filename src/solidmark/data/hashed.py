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
import json
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from solidmark.data.records import Record, ordered, unnamed
from solidmark.errors import BadInput
from solidmark.runs import csv_of, read_ours, sealed, write_bytes, write_once

DIGITS = 20
"""Hexadecimal digits of a hash: 80 bits, so that a million images share none."""
_BYTES = 32
_SECRET = re.compile(rf"[0-9a-fA-F]{{{2 * _BYTES}}}")
_COLUMNS = ("hashed", "kind", "name")
_LONGEST = 2**31 - 1
"""Letters of a name: what was written is read again, however long it is."""


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
    if not file.exists():
        made = sealed({"secret": secrets.token_hex(_BYTES)})
        write_once(file, (json.dumps(made, sort_keys=True) + "\n").encode())
    found = read_ours(file, "Name a file that --hash-ids has made, or a new one.", secret=str)
    if not _SECRET.fullmatch(found["secret"]):  # A short one is found by trying all.
        raise BadInput(f'"{file}" holds no secret of ours. Name another file.')
    return Pseudonyms(bytes.fromhex(found["secret"]))


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
    there = _rows(path)
    known = {row[0] for row in there}
    more = [(found, *told) for found, told in names.items() if found not in known]
    if more:
        write_bytes(path, csv_of(_COLUMNS, sorted([*there, *more])), private=True)


def _rows(path: Path) -> list[tuple[str, ...]]:
    """What the list holds: it is written anew with more, so nothing of it may be lost on the way.

    Raises:
        BadInput: When it is not as it was written.
    """
    if not path.is_file():
        return []
    before = csv.field_size_limit(_LONGEST)
    try:
        text = path.read_text(encoding="utf-8")
        rows = [tuple(row) for row in csv.reader(io.StringIO(text, newline=""), strict=True)]
        why = "" if _is_list(rows) else f"its columns are not {', '.join(_COLUMNS)}"
    except (ValueError, csv.Error) as error:
        rows, why = [], str(error)
    finally:
        csv.field_size_limit(before)
    if why:
        raise BadInput(
            f'"{path}" is not the list that --hash-ids keeps ({why}). Put it back, or move it '
            "away: the hashes stay as they are."
        )
    return rows[1:]


def _is_list(rows: Sequence[tuple[str, ...]]) -> bool:
    return rows[:1] == [_COLUMNS] and all(len(row) == len(_COLUMNS) for row in rows)
