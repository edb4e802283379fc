"""The page of `nulls.py`."""

from collections.abc import Iterator, Sequence
from pathlib import Path


def page(out: Path, names: Sequence[str]) -> Iterator[str]:
    yield ""
