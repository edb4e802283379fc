"""Names, keys and secrets lie where they belong: looked for in every file that commands write.

Every command is made on pictures that are called like people, with hashed ids, and with a control
that knows no key: what holds one has it from the keys.
"""

import json
import re
import sqlite3
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from solidmark.cli.main import COMMANDS

from .runs import CPU, INPAINT, INVMM, L2, RUNS, TINY
from .world import SECRET, World

SEED = "618033988749894"
HASHED = "--hash-ids ids.secret"
OTHERS = f"--held-out strangers --mode L {HASHED} {CPU}"

LINES = (
    *RUNS["mark-hashed"].lines,
    "inspect hashed",
    f"train hashed hashed-trained {TINY}",
    f"generate gaussian hashed-drawn --marked hashed --crop -n 12 --steps 4 {CPU}",
    f"audit gaussian hashed hashed-audit {CPU}",
    f"audit gaussian hashed hashed-audit-2 {CPU} --reader blend --reader energy --repeats 2",
    f"observe gaussian hashed hashed-observed --reader gradient --reader outpaint {CPU}",
    "score hashed-observed --statistic fisher",
    "report hashed-observed --top 3",
    "compare hashed-audit hashed-audit-2 --out hashed-changed",
    "release hashed-trained hashed-released --marked hashed",
    f"signals gaussian hashed hashed-signals --signal loss --times 2 {CPU}",
    f"provenance gaussian patients hashed-provenance --signal loss --times 2 {OTHERS}",
    f"inpaint gaussian hashed hashed-inpainted {INPAINT}",
    f"invmm gaussian hashed hashed-inverted --limit 4 {INVMM}",
    f"intent average-per-caption hashed hashed-intent --steps 2 --per-prompt 2 --limit 4 {CPU}",
    f"nearest hashed-drawn hashed hashed-near {L2}",
    "judge hashed-near said.csv",
    f"duplicates hashed hashed-duplicates {CPU}",
    f"cliques noise-prompted hashed-cliques --calibrate --fpr 0.001 {L2}",
    f"index patients hashed-index --pictures --fpr 0.1 {OTHERS}",
    f"guard hashed-index hashed-drawn/images {CPU}",
    f"audit gaussian patients hashed-unmarked -n 16 --limit 16 {OTHERS}"
    " --measure signals --measure nearest --measure inpaint",
    "report hashed-unmarked",
    f"intent gaussian patients hashed-intent-2 --steps 2 --per-prompt 2 --limit 4 --mode L {CPU}"
    f" {HASHED}",
    f"invmm gaussian patients hashed-inverted-2 --limit 4 {OTHERS} {INVMM}",
    f"duplicates patients hashed-duplicates-2 --mode L {HASHED} {CPU}",
)
"""Command lines that write into folders called `hashed...`."""

WRITES_NOTHING = {"plan", "choose", "study", "demo", "fit"}
"""What is left out: it writes nothing, or no id; `study` and `demo` mark data of their own."""

NAMES = re.compile(rb"[dr]oe-(?:p?\d|notes)")
"""What people are called, and their pictures, in the world."""

OF_KEYS = {
    ("hashed", "keys.parquet"): {"keys", "seed"},
    ("hashed", "manifest.json"): {"seed"},
    ("hashed", "config.yaml"): {"seed"},
    ("hashed-audit", "scores.parquet"): {"keys"},
    ("hashed-audit-2", "scores.parquet"): {"keys"},
    ("hashed-observed", "scores.parquet"): {"keys"},
    # An ideal model has memorized all keys, and Outpaint reads them as they are.
    ("hashed-observed", "evidence.parquet"): {"keys"},
    ("hashed-observed", "ledger/ledger-000.sqlite"): {"keys"},
}
"""The only files that hold keys, or the seed that they follow from."""

SHOWN = {
    (folder, "report.html"): {"keys"}
    for folder in ("hashed-audit", "hashed-audit-2", "hashed-observed")
}
"""Pages of keys: they say so at their top."""

LEAST = 6
"""So many greys of a key in their order are found by chance nowhere."""


@pytest.fixture(scope="module")
def said(world: World) -> dict[str, str]:
    """What each command line said."""
    return {line: "\n".join(world.say(line)) for line in LINES}


def test_every_command_is_asked(said: dict[str, str]) -> None:
    assert {line.split()[0] for line in said} | WRITES_NOTHING == set(COMMANDS)
    assert not {line: text for line, text in said.items() if "exit code 2" in text}


def test_nobody_is_named(said: dict[str, str], world: World) -> None:
    assert not [text for text in said.values() if NAMES.search(text.encode())]
    named = {str(path) for path in files(world) if NAMES.search(path.name.encode())}
    named |= {str(path) for path in files(world) if NAMES.search(contents(path))}
    assert not named
    kept = (world.here / "ids.secret.csv").read_bytes()
    assert len(NAMES.findall(kept)) > 100


def test_who_holds_the_secret_knows_who_is_meant(said: dict[str, str], world: World) -> None:
    assert said
    lines = (world.here / "ids.secret.csv").read_text(encoding="utf-8").splitlines()
    called = {line.split(",")[0]: line.split(",")[2] for line in lines[1:]}
    ids = pq.read_table(world.here / "hashed" / "keys.parquet")["id"].to_pylist()
    assert {called[id] for id in ids} == {f"doe-{number:02d}.png" for number in range(48)}


def test_the_secret_of_the_ids_lies_in_its_file(said: dict[str, str], world: World) -> None:
    assert said
    assert not [path for path in files(world) if SECRET.encode() in contents(path)]


def test_keys_lie_where_they_belong(said: dict[str, str], world: World) -> None:
    assert said
    keys = pq.read_table(world.here / "hashed" / "keys.parquet")["key"].to_pylist()
    greys = [[round(255 * value) for value in key] for key in keys]
    runs = {tuple(key[n : n + LEAST]) for key in greys for n in range(len(key) - LEAST + 1)}
    found: dict[tuple[str, str], set[str]] = defaultdict(set)
    for path in files(world):
        folder, _, name = path.relative_to(world.here).as_posix().partition("/")
        if any(tuple(part) in runs for row in numbers(path) for part in parts(row)):
            found[folder, name].add("keys")
        if SEED.encode() in contents(path) or int(SEED).to_bytes(8, "little") in contents(path):
            found[folder, name].add("seed")
    assert found == OF_KEYS | SHOWN


def test_secrets_are_for_their_owner(said: dict[str, str], world: World) -> None:
    assert said
    secret = [world.here / Path(*place) for place in OF_KEYS]
    secret += [world.here / "ids.secret.csv"]
    secret += [path for path in files(world) if ".sqlite" in path.name]
    assert {path.stat().st_mode & 0o777 for path in secret} == {0o600}
    told = {path.name for path in (world.here / "hashed" / "train").iterdir()}
    assert {Path(name).suffix for name in told} == {".png", ".jsonl"}


def files(world: World) -> Iterator[Path]:
    """All files that the command lines wrote."""
    for folder in sorted(world.here.glob("hashed*")):
        yield from sorted(path for path in folder.rglob("*") if path.is_file())


def contents(path: Path) -> bytes:
    """What is in a file, unpacked where it is packed."""
    raw = path.read_bytes()
    if path.suffix == ".parquet":
        table = pq.read_table(path)
        told = json.dumps([table.to_pylist(), str(table.schema.metadata)], default=str)
        return raw + told.encode()
    if path.suffix == ".sqlite":
        return raw + json.dumps(list(rows(path))).encode()
    return raw


def rows(path: Path) -> Iterator[tuple[str, str]]:
    connection = sqlite3.connect(path)
    yield from connection.execute("SELECT name, value FROM rows")
    connection.close()


def numbers(path: Path) -> Iterator[list[float]]:
    """The numbers of a file in their order: those of a list or a column together."""
    if path.suffix == ".parquet":
        yield from columns(pq.read_table(path))
    elif path.suffix == ".sqlite":
        for _, value in rows(path):
            yield from lists(json.loads(value))
    elif path.suffix == ".npy":
        yield from np.load(path).reshape(-1, 1).T.astype(float).tolist()
    elif path.suffix in (".json", ".jsonl", ".csv", ".html", ".svg", ".yaml", ".md", ".txt"):
        text = re.sub(r"data:[^\"')]+", "", path.read_text(encoding="utf-8"))
        yield [float(one) for one in re.findall(r"(?<![\w.#])\d+(?:\.\d+)?(?![\w.])", text)]
        yield [int(one[:2], 16) for one in re.findall(r"#((?:[0-9a-f]{2}){3})\b", text)]


def columns(table: pa.Table) -> Iterator[list[float]]:
    for name in table.column_names:
        values = table[name].to_pylist()
        yield from lists(values)
        yield [one for one in values if isinstance(one, int | float)]


def lists(value: object) -> Iterator[list[float]]:
    """All lists of numbers in what JSON holds."""
    if isinstance(value, dict):
        for one in value.values():
            yield from lists(one)
    elif isinstance(value, list):
        yield [one for one in value if isinstance(one, int | float)]
        for one in value:
            yield from lists(one)


def parts(row: list[float]) -> Iterator[tuple[int, ...]]:
    """Each few numbers that follow one another, as greys: written in 0 to 1, or in 0 to 255."""
    for scale in (255, 1):
        greys = [round(scale * one) if abs(one) < 1e6 else -1 for one in row]
        yield from zip(*(greys[n:] for n in range(LEAST)), strict=False)
