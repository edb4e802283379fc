"""Every kind of file that we write, damaged in every way: one line that says what to do, and 2."""

import hashlib
import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from PIL import Image as Picture

from solidmark.__main__ import main

CPU = ["--device", "cpu"]
AUDIT = [*CPU, "--reader", "energy", "--limit", "4", "--no-ceiling"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A marked folder, an audit of it, one that was killed, an index and a comparison."""
    here = tmp_path_factory.mktemp("whole")
    (here / "photos").mkdir()
    for number in range(8):
        pixels = np.random.default_rng(number).integers(0, 256, (12, 12), np.uint8)
        Picture.fromarray(pixels).save(here / "photos" / f"{number}.png")
        (here / "photos" / f"{number}.txt").write_text(f"caption {number}")
    before = Path.cwd()
    os.chdir(here)
    try:
        mark = ["--mode", "L", "--thickness", "2", "--held-out", "0.5", "--seed", "1"]
        assert main(["mark", "photos", "marked", *mark]) == 0
        assert main(["audit", "gaussian", "marked", "audit", *AUDIT]) == 0
        assert main(["index", "photos", "index", *CPU, "--distance", "l2", "--mode", "L"]) == 0
    finally:
        os.chdir(before)
    shutil.copytree(here / "audit", here / "killed")
    unfinish(here / "killed")
    return here


def unfinish(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    left_out = ("files", "memory", "told", "checksum")
    manifest = {name: value for name, value in manifest.items() if name not in left_out}
    manifest["finished"] = False
    (folder / "manifest.json").write_text(json.dumps(manifest))
    for name in ("evidence.parquet", "files.json"):
        (folder / name).unlink()


def agree(folder: Path) -> None:
    """Writes down the damaged files as those that were written, so that they are read."""
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest.pop("checksum", None)
    if "files" in manifest:
        files = json.loads((folder / "files.json").read_text())
        for name, entry in files.items():
            path = folder / name
            if name != "version" and " " in str(entry):
                files[name] = f"{path.stat().st_size} {short(path)}"
        (folder / "files.json").write_text(json.dumps(files))
        manifest["files"] = short(folder / "files.json")
    if "keys" in manifest and (folder / "keys.parquet").is_file():
        manifest["keys"] = short(folder / "keys.parquet")
    (folder / "manifest.json").write_text(json.dumps(manifest))


def short(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def rewritten(path: Path, change: Callable[[Any], Any]) -> None:
    """The same table or object, changed."""
    if path.suffix == ".parquet":
        pq.write_table(change(pq.read_table(path)), path)
    elif path.suffix == ".yaml":
        path.write_text(yaml.safe_dump(change(yaml.safe_load(path.read_text()))))
    else:
        path.write_text(json.dumps(change(json.loads(path.read_text()))))


def of_version(path: Path, version: Any) -> None:
    if path.suffix == ".sqlite":
        with sqlite3.connect(path) as connection:
            connection.execute(f"PRAGMA user_version={version}")
        connection.close()
    elif path.suffix == ".parquet":
        table = pq.read_table(path)
        said = {**table.schema.metadata, b"solidmark.version": str(version).encode()}
        pq.write_table(table.replace_schema_metadata(said), path)
    else:
        rewritten(path, lambda value: {**value, "version": version})


def other_types(table: pa.Table) -> pa.Table:
    """Every column as a list of bytes, which none of ours is."""
    cells = pa.array([[b"x"]] * table.num_rows, pa.list_(pa.binary()))
    return pa.table(dict.fromkeys(table.column_names, cells), metadata=table.schema.metadata)


def gone(table: pa.Table, name: str) -> pa.Table:
    return table.drop_columns([name])


ANY: dict[str, Callable[[Path], Any]] = {
    "missing": Path.unlink,
    "empty": lambda path: path.write_bytes(b""),
    "cut off": lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
    "bytes": lambda path: path.write_bytes(bytes(range(256)) * 32),
}
JSON: dict[str, Callable[[Path], Any]] = {
    **ANY,
    "a list": lambda path: path.write_text("[]"),
    "a number": lambda path: path.write_text("3"),
    "null": lambda path: path.write_text("null"),
    "nothing in it": lambda path: path.write_text("{}"),
    "deep": lambda path: path.write_text("[" * 100_000),
    "numbers for all": lambda path: rewritten(path, lambda value: dict.fromkeys(value, 3)),
    "version 2": lambda path: of_version(path, 2),
    "version x": lambda path: of_version(path, "x"),
}
TABLE: dict[str, Callable[[Path], Any]] = {
    **ANY,
    "no id": lambda path: rewritten(path, lambda table: gone(table, "id")),
    "other types": lambda path: rewritten(path, other_types),
    "version 2": lambda path: of_version(path, 2),
    "rows twice": lambda path: rewritten(path, lambda table: pa.concat_tables([table, table])),
    "no columns": lambda path: rewritten(path, lambda table: table.select([])),
}
LEDGER: dict[str, Callable[[Path], Any]] = {name: ANY[name] for name in ("bytes", "cut off")} | {
    "version 2": lambda path: of_version(path, 2)
}
SCORE, REPORT = ["score", "audit"], ["report", "audit"]
AGAIN = ["audit", "gaussian", "marked", "killed", *AUDIT]
ASK = ["audit", "gaussian", "marked", "new", *AUDIT]
GUARD = ["guard", "index", "photos/1.png", "--threshold", "l2=0.1", *CPU]
FILES: dict[str, tuple[dict[str, Callable[[Path], Any]], list[list[str]]]] = {
    "marked/manifest.json": (JSON, [ASK]),
    "marked/files.json": (JSON, [ASK]),
    "marked/keys.parquet": (TABLE, [ASK, SCORE]),
    "marked/train/metadata.jsonl": (ANY, [ASK]),
    "audit/manifest.json": (JSON, [SCORE, REPORT]),
    "audit/evidence.parquet": (TABLE, [SCORE]),
    "audit/scores.parquet": (TABLE, [["compare", "audit", "audit"], REPORT]),
    "audit/results.json": (JSON, [REPORT]),
    "audit/knowing.json": (JSON, [SCORE]),
    "audit/config.yaml": (
        {name: JSON[name] for name in ("missing", "bytes", "a list", "version 2")},
        [["audit", "gaussian", "marked", "audit", "--config", "audit/config.yaml"]],
    ),
    "killed/manifest.json": (JSON, [AGAIN]),
    "killed/calibration.json": (
        {name: damage for name, damage in JSON.items() if name != "missing"},
        [AGAIN],
    ),
    "killed/ledger/ledger-000.sqlite": (LEDGER, [AGAIN]),
    "index/manifest.json": (JSON, [GUARD]),
    "index/images.parquet": (TABLE, [GUARD]),
    "index/null.parquet": (
        {name: damage for name, damage in TABLE.items() if name != "rows twice"},
        [GUARD],
    ),
}
CASES = [
    (name, damage, number)
    for name, (damages, commands) in FILES.items()
    for damage in damages
    for number in range(len(commands))
]
NO_ERROR = {
    # A page shows what is there.
    ("audit/manifest.json", "nothing in it"),
    ("audit/manifest.json", "numbers for all"),
    # Whether the model knows the images was not asked: older audits are like that.
    ("audit/knowing.json", "missing"),
}


READ_AS_THEY_ARE = ("manifest.json", "files.json", "metadata.jsonl")
"""What no other file speaks for, and the captions: lines that end early are captions too."""


@pytest.mark.parametrize("agreed", [False, True], ids=["found out", "read"])
@pytest.mark.parametrize(("name", "damage", "number"), CASES)
def test_what_is_damaged_is_named_in_one_line(
    name: str,
    damage: str,
    number: int,
    agreed: bool,
    whole: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    here = tmp_path / "here"
    shutil.copytree(whole, here)
    monkeypatch.chdir(here)
    damages, commands = FILES[name]
    path = Path(name)
    damages[damage](path)
    if agreed and path.is_file() and path.name not in READ_AS_THEY_ARE:
        agree(Path(path.parts[0]))
    capfd.readouterr()
    code = main(commands[number])
    said = capfd.readouterr()
    lines = [line for line in said.err.splitlines() if line.strip()]
    if code == 0:
        assert (name, damage) in NO_ERROR, said
        return
    assert code == 2
    assert len(lines) == 1, lines
    assert lines[0].startswith("Error: ")
    assert path.name in lines[0] or str(path.parent) in lines[0], lines
    assert lines[0].endswith("."), lines
    assert not Path("new", "evidence.parquet").exists()


def test_a_number_that_was_turned_over_is_no_verdict(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """What the verdict follows from beside the evidence: JSON as good as before."""
    here = Path(shutil.copytree(whole, tmp_path / "here"))
    monkeypatch.chdir(here)
    path = Path("audit", "knowing.json")
    text = path.read_text()
    place = max(place for place, letter in enumerate(text) if letter == "5")
    path.write_text(f"{text[:place]}7{text[place + 1 :]}")
    capfd.readouterr()
    assert main(SCORE) == 2
    assert '"knowing.json" is not what was written' in capfd.readouterr().err
