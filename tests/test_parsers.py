"""Whatever is typed, or stands in a file: no parser of ours raises anything but its own errors."""

import json
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from solidmark.cli.options import memory_bytes
from solidmark.data.aspect import parse_buckets, sides_of
from solidmark.data.columns import Columns
from solidmark.data.levels import window_of
from solidmark.data.metadata import metadata_records
from solidmark.errors import SolidmarkError
from solidmark.mitigations import parsing as mitigations
from solidmark.models.heads import read_head
from solidmark.perturbations import parsing as perturbations
from solidmark.runs import read_manifest
from solidmark.runs.tables import read_table

WORDS = ("crop", "blur", "rna", "rt", "paper", "kohya", "512", "0.1", "1e999", "nan", "MB", "GB")
SPELT = st.one_of(
    st.text(max_size=30),
    st.lists(
        st.sampled_from([*WORDS, ":", ",", ";", "x", "-", " ", "9" * 5000, "٣"]), max_size=9
    ).map("".join),
)
TYPED: dict[str, Callable[[str], Any]] = {
    "perturbation": perturbations.parse,
    "mitigation": mitigations.parse,
    "buckets": parse_buckets,
    "buckets of kohya": lambda text: parse_buckets(f"kohya:{text}", 512),
    "resolution": sides_of,
    "window": window_of,
    "memory": memory_bytes,
}


@pytest.mark.parametrize("kind", TYPED)
@settings(max_examples=150, deadline=None)
@given(text=SPELT)
def test_what_is_typed(kind: str, text: str) -> None:
    with suppress(SolidmarkError):
        TYPED[kind](text)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
    ),
    max_leaves=8,
)
NAMES = ("version", "command", "config", "fingerprints", "finished", "file_name", "text", "id")
OBJECTS = st.dictionaries(st.sampled_from(NAMES) | st.text(max_size=9), VALUES, max_size=8)
BYTES = st.one_of(
    st.binary(max_size=200),
    OBJECTS.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")),
    st.sampled_from(
        [b"[" * 100_000, b'{"a":' * 50_000, b"9" * 5000, b"PAR1" + bytes(40) + b"PAR1"]
    ),
)


def _safetensors(folder: Path, data: bytes) -> None:
    path = folder / "x.safetensors"
    path.write_bytes(len(data).to_bytes(8, "little") + data)
    read_head(path)


def _written(name: str, read: Callable[[Path], object]) -> Callable[[Path, bytes], None]:
    def write(folder: Path, data: bytes) -> None:
        (folder / name).write_bytes(data)
        read(folder)

    return write


def _metadata(kind: str) -> Callable[[Path, bytes], None]:
    name = f"metadata.{kind}"
    return _written(name, lambda folder: metadata_records([folder / name], folder, Columns()))


FILES: dict[str, Callable[[Path, bytes], None]] = {
    "manifest": _written("manifest.json", read_manifest),
    "lines": _metadata("jsonl"),
    "cells": _metadata("csv"),
    "rows": _metadata("parquet"),
    "table": _written("x.parquet", lambda folder: read_table(folder / "x.parquet", {}, "Mend it.")),
    "head": _safetensors,
}


@pytest.mark.parametrize("kind", FILES)
@settings(max_examples=100, deadline=None)
@given(data=BYTES)
def test_what_stands_in_a_file(kind: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder, suppress(SolidmarkError):
        FILES[kind](Path(folder), data)
