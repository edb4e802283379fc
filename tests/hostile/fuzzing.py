"""`python -m tests.hostile.fuzzing PARSER SECONDS`: bytes that find their way into a parser by what
they reach in it. Needs atheris, which is none of our extras; `tests/test_parsers.py` does without.
"""

import csv
import io
import json
import sqlite3
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path

import atheris  # type: ignore[import-not-found]
import numpy as np
import pyarrow as pa
import torch
from PIL import Image

with atheris.instrument_imports(include=["solidmark", "tarfile", "csv"]):
    from solidmark.data import hashed, metadata, open_data
    from solidmark.data.decode import decode
    from solidmark.errors import SolidmarkError
    from solidmark.measures.watch.asking import made_in
    from solidmark.neighbours import kept
    from solidmark.page import made
    from solidmark.runs import (
        Ledger,
        Rows,
        open_results,
        read_manifest,
        read_ours,
        read_table,
        read_tensors,
        sealed,
        table_bytes,
        write_tensors,
    )

HERE = Path(tempfile.mkdtemp())
TOLD = {
    **{"look": 1, "step": 1, "secret": "5a" * 32, "command": "audit", "config": {}, "seed": 0},
    **{"fingerprints": {}, "finished": True, "rows": [{"measure": "m", "split": "trained"}]},
}


def _put(name: str, data: bytes) -> Path:
    path = HERE / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path


def _tar(data: bytes) -> None:
    opened = open_data(_put("a.tar", data))
    for number in range(min(3, len(opened))):
        _ = opened[number]


PARSERS: dict[str, Callable[[bytes], object]] = {
    "csv": lambda data: list(metadata._csv(_put("metadata.csv", data))),
    "hashed": lambda data: hashed._rows(_put("ids.csv", data)),
    "ledger": lambda data: dict(Rows(_put("ledger-000.sqlite", data).parent).items()),
    "look": lambda data: made_in(_put("looks/1/look.json", data).parents[2]),
    "manifest": lambda data: read_manifest(_put("manifest.json", data).parent),
    "npz": lambda data: kept._read(_put("a.npz", data)),
    "page": lambda data: made.made_in(_put("report.html", data).parent),
    "picture": lambda data: decode(data),
    "results": lambda data: open_results(_put("results.json", data).parent),
    "sealed": lambda data: read_ours(_put("a.json", data), "Make it again.", look=int),
    "secret": lambda data: hashed.open_pseudonyms(_put("ids.secret", data)),
    "table": lambda data: read_table(_put("a.parquet", data), (), "Make it again.").to_pylist(),
    "tar": _tar,
    "tensors": lambda data: read_tensors(_put("a.safetensors", data), "Make it again."),
}


def _pictures() -> list[bytes]:
    found = []
    for kind in ("PNG", "GIF", "BMP", "TIFF", "WEBP", "JPEG", "PPM"):
        file = io.BytesIO()
        Image.fromarray(np.zeros((4, 4, 3), np.uint8)).save(file, kind)
        found.append(file.getvalue())
    return found


def seeds(parser: str) -> list[bytes]:
    """Files that a parser takes, to begin with."""
    if parser == "picture":
        return _pictures()
    if parser == "tensors":
        write_tensors(HERE / "seed", {"a": torch.ones(2)}, {"of": "a test"})
        return [(HERE / "seed").read_bytes()]
    file = io.BytesIO()
    if parser == "table":
        return [table_bytes(pa.table({"a": [1, 2], "b": ["x", None]}))]
    if parser == "npz":
        np.savez(file, index=np.ones((2, 1), int), squared=np.ones((2, 1)))
        return [file.getvalue()]
    if parser == "tar":
        with tarfile.open(fileobj=file, mode="w") as tar:
            member = tarfile.TarInfo("a.png")
            member.size = len(_pictures()[0])
            tar.addfile(member, io.BytesIO(_pictures()[0]))
        return [file.getvalue()]
    if parser == "ledger":
        with Ledger(HERE / "seed") as ledger:
            ledger.commit({"a": {"x": 1}})
        path = HERE / "seed" / "ledger-000.sqlite"
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
        return [path.read_bytes()]
    text = io.StringIO()
    csv.writer(text).writerows([("hashed", "kind", "name"), ("aa", "id", 'x, "y"\r\n')])
    page = '<meta name="solidmark" content="{&quot;images&quot;: true, &quot;top&quot;: 3}">'
    return [json.dumps(sealed(TOLD)).encode(), text.getvalue().encode(), page.encode()]


def main(parser: str, seconds: str) -> None:
    """Gives a parser bytes for so long; what it raises beside our errors is a finding."""
    corpus = HERE / "corpus"
    for number, data in enumerate(seeds(parser)):
        _put(f"corpus/{number}", data)

    def one(data: bytes) -> None:
        with suppress(SolidmarkError):
            PARSERS[parser](data)

    options = ("-max_len=20000", "-timeout=20", "-rss_limit_mb=4000", "-print_final_stats=1")
    atheris.Setup([parser, str(corpus), f"-max_total_time={seconds}", *options], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
