"""The newest doors: hashed ids, groups, shards, plans with a model, studies, releases, watches."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from .case import AUDIT_OPTIONS, MARK, REFUSED, TAKEN, Case, Make
from .folders import CONTENTS, damaged
from .names import CLASSES, metadata

CPU = ("--device", "cpu")
HASHED = (*MARK, "--hash-ids", "ids.secret")
GROUPED = (*MARK, "--group-column", "group")
SHARDED = (*MARK, "--shards", "3")
PLANNED = ("plan", "--images", "8", "--resolution", "16", "--model", "sd", "--data", "data", *CPU)
RELEASED = ("release", "sd", "OUT", "--marked", "marked-32")
WATCHED = ("score", "watched")
STUDIED = ("study", "pattern", "OUT", "--quick", "--dry-run")

SECRETS: dict[str, bytes] = {
    "empty": b"",
    "a text": b"secret",
    "a list": b"[]",
    "a number": b"7",
    "no secret": b'{"version": 1}',
    "a number for a secret": b'{"version": 1, "secret": 7}',
    "an empty secret": b'{"version": 1, "secret": ""}',
    "a short secret": b'{"version": 1, "secret": "5a"}',
    "no hexadecimal": b'{"version": 1, "secret": "' + b"z" * 64 + b'"}',
    "another version": b'{"version": 9, "secret": "' + b"5a" * 32 + b'"}',
    "a list for a version": b'{"version": [1], "secret": "' + b"5a" * 32 + b'"}',
    "another checksum": b'{"version": 1, "checksum": "x", "secret": "' + b"5a" * 32 + b'"}',
    "10 MB of secret": b'{"version": 1, "secret": "' + b"5a" * 5_000_000 + b'"}',
    "spaces in it": b'{"version": 1, "secret": "' + b"5a " * 32 + b'"}',
    "a deep list": b"[" * 10**6,
    "NUL": bytes(100),
    "a pickle": b"\x80\x04cos\nsystem\n(S'touch canary'\ntR.",
    "not UTF-8": b'{"secret": "\xff\xfe"}',
}
TABLES: dict[str, bytes] = {
    "empty": b"",
    "NUL": bytes(1000),
    "not UTF-8": b"\xff\xfe" * 500,
    "a field of 1 MB": b"hashed,kind,name\r\n" + b"a" * 10**6 + b",id,x\r\n",
    "an open quote": b'hashed,kind,name\r\n"a,id,x\r\n' * 100,
    "other columns": b"a,b\r\n1,2\r\n",
    "controls": b"hashed,kind,name\r\naa,id,\x1b[31mred\r\n",
}
COLUMNS: dict[str, Callable[[str], object]] = {
    "numbers": lambda name: 7,
    "NaN": lambda name: float("nan"),
    "null": lambda name: None,
    "lists": lambda name: [name],
    "objects": lambda name: {"a": name},
    "truths": lambda name: True,
    "empty": lambda name: "",
    "1 MB": lambda name: "g" * 10**6,
    "half a surrogate": lambda name: "\ud800",
    "a line break": lambda name: "a\nb",
    "codes of a terminal": lambda name: "\x1b[31m",
    "a formula": lambda name: "=1+1",
    "one for all": lambda name: "all",
    "the id": lambda name: name,
    "a huge number": lambda name: 10**400,
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "a group column that is not there": (*MARK, "--group-column", "nobody"),
    "a group column with codes": (*MARK, "--group-column", "\x1b[31m"),
    "an empty group column": (*MARK, "--group-column", ""),
    "no shards": (*MARK, "--shards", "0"),
    "shards below 0": (*MARK, "--shards", "-1"),
    "10^18 a shard": (*MARK, "--shards", "1" + "0" * 18),
    "10^400 a shard": (*MARK, "--shards", "1" + "0" * 400),
    "a word for shards": (*MARK, "--shards", "three"),
    "NaN for shards": (*MARK, "--shards", "nan"),
    "a secret that is a folder": (*MARK, "--hash-ids", "data"),
    "a secret that is /dev/zero": (*MARK, "--hash-ids", "/dev/zero"),
    "a secret that is /dev/null": (*MARK, "--hash-ids", "/dev/null"),
    "a secret in no folder": (*MARK, "--hash-ids", "nowhere/ids.secret"),
    "a secret below a file": (*MARK, "--hash-ids", "data/00.png/ids.secret"),
    "an empty secret file": (*MARK, "--hash-ids", ""),
    "a study of no name": ("study", "", "OUT", "--quick", "--dry-run"),
    "a study that is a path": ("study", "../../x", "OUT", "--quick", "--dry-run"),
    "a study with codes": ("study", "\x1b[31m", "OUT", "--quick", "--dry-run"),
    "a plan of 10^18 images": ("plan", "--images", "1" + "0" * 18, "--resolution", "16"),
    "a plan of 10^400 images": ("plan", "--images", "1" + "0" * 400, "--resolution", "16"),
    "a plan of NaN": ("plan", "--images", "nan", "--resolution", "16"),
    "a plan of no pixels": ("plan", "--images", "8", "--resolution", "0"),
    "a plan of 10^9 pixels": ("plan", "--images", "8", "--resolution", "1000000000"),
    "a plan of 10^9 x 1 pixels": ("plan", "--images", "8", "--resolution", "1000000000x1"),
    "a plan with a model that is a picture": (*PLANNED[:6], "data/00.png", *PLANNED[7:]),
    "a plan with a model that is no folder": (*PLANNED[:6], "nowhere", *PLANNED[7:]),
    "a plan with data that are a model": (*PLANNED[:8], "sd", *CPU),
    "a plan with one damaged picture": (*PLANNED[:8], "torn", *CPU),
    "a plan without data": (*PLANNED[:7], *CPU),
    "a release of photos": ("release", "photos", "OUT", "--marked", "marked-32"),
    "a release with another audit": (*RELEASED, "--audit", "audit"),
    "a release with no audit": (*RELEASED, "--audit", "photos"),
    "a release called with codes": (*RELEASED, "--name", "\x1b[31mred\n# Title"),
    "a release called a path": (*RELEASED, "--name", "../../x"),
    "a release with a licence of lines": (*RELEASED, "--license", "mit\nbase_model: x"),
    "a release with marks of others": ("release", "sd", "OUT", "--marked", "marked"),
    "a release without marks": ("release", "sd", "OUT", "--marked", "photos"),
    "an engine of nonsense": (
        "audit",
        "gaussian",
        "marked",
        "OUT",
        *AUDIT_OPTIONS,
        "--engine",
        "x",
    ),
    "an engine with codes": (
        *("audit", "gaussian", "marked", "OUT", *AUDIT_OPTIONS),
        *("--engine", "\x1b[31mray"),
    ),
    "an empty engine": ("audit", "gaussian", "marked", "OUT", *AUDIT_OPTIONS, "--engine", ""),
    "an engine that nobody launched": (
        *("audit", "gaussian", "marked", "OUT", *AUDIT_OPTIONS),
        *("--engine", "torchrun"),
    ),
}
LOOKS: dict[str, object] = {
    "a number for a step": {"look": 1, "step": "x"},
    "no look": {"step": 1},
    "a look below 0": {"look": -5, "step": 1},
    "a truth for a look": {"look": True, "step": 1},
    "a look of 10^400": {"look": 10**400, "step": 1},
    "a list": [1, 2],
    "escapes": {"look": 1, "step": 1, "images": "\x1b[31m"},
}


def cases() -> Iterator[Case]:
    """What the newest options and commands are given."""
    for name, content in SECRETS.items():
        yield Case("doors", f"a secret: {name}", _file("ids.secret", content), HASHED)
    for name, content in TABLES.items():
        yield Case("doors", f"names beside a secret: {name}", _beside(content), HASHED)
    for name, put in (("a pipe", os.mkfifo), ("a folder", Path.mkdir)):
        yield Case("doors", f"a secret: {name}", _put("ids.secret", put), HASHED)
        yield Case("doors", f"names beside a secret: {name}", _beside_put(put), HASHED)
    out = _put("ids.secret", lambda path: path.symlink_to("../beside.secret"))
    yield Case("doors", "a secret: a link out", out, HASHED)
    for name, value in COLUMNS.items():
        for words in (GROUPED, (*GROUPED, "--hash-ids", "ids.secret"), (*GROUPED, "--shards", "3")):
            yield Case("doors", f"groups that are {name}", _grouped(value), words)
    for name, line in CLASSES.items():
        yield Case("doors", f"shards, {name}", metadata(line), SHARDED)
        yield Case("doors", f"hashed, {name}", metadata(line), HASHED)
    for name, words in OPTIONS.items():
        yield Case("doors", name, _torn, words)
    for name, damage in CONTENTS.items():
        for path in ("model_index.json", "unet/config.json", "vae/config.json"):
            yield Case(
                "doors", f"a released {path}: {name}", damaged(f"sd/{path}", damage), RELEASED
            )
        for path in ("manifest.json", "keys.parquet"):
            make = damaged(f"marked-32/{path}", damage)
            yield Case("doors", f"a release of marks, {path}: {name}", make, RELEASED)
        yield Case(
            "doors", f"a plan of a unet: {name}", damaged("sd/unet/config.json", damage), PLANNED
        )
        yield Case("doors", f"a look: {name}", _looked(damage), WATCHED)
    for name, told in LOOKS.items():
        text = json.dumps(told).encode()
        yield Case("doors", f"a look: {name}", _looked(lambda whole, text=text: text), WATCHED)  # type: ignore[misc]
    yield Case("doors", "a study that is planned", lambda here: None, STUDIED, (TAKEN, REFUSED))


def _file(name: str, content: bytes) -> Make:
    return lambda here: (here / name).write_bytes(content)


def _put(name: str, put: Callable[[Path], object]) -> Make:
    return lambda here: put(here / name)


def _secret(here: Path) -> None:
    (here / "ids.secret").write_text(json.dumps({"version": 1, "secret": "5a" * 32}))


def _beside(content: bytes) -> Make:
    def make(here: Path) -> None:
        _secret(here)
        (here / "ids.secret.csv").write_bytes(content)

    return make


def _beside_put(put: Callable[[Path], object]) -> Make:
    def make(here: Path) -> None:
        _secret(here)
        put(here / "ids.secret.csv")

    return make


def _grouped(value: Callable[[str], object]) -> Make:
    return metadata(lambda name: json.dumps({"file_name": name, "group": value(name)}))


def _torn(here: Path) -> None:
    (here / "torn").mkdir()
    (here / "torn" / "a.png").write_bytes((here / "data" / "00.png").read_bytes()[:60])


def _looked(damage: Callable[[bytes], bytes]) -> Make:
    """The audit of the world as the one look of a watch."""

    def make(here: Path) -> None:
        manifest = json.loads((here / "audit" / "manifest.json").read_text())
        look = here / "watched" / "looks" / "00000001"
        look.parent.mkdir(parents=True)
        (here / "audit").rename(look)
        config = {**manifest["config"], "unit": "step"}
        watch = {name: value for name, value in manifest.items() if name != "checksum"}
        watch |= {"command": "watch", "config": config, "files": None}
        (here / "watched" / "manifest.json").write_text(json.dumps(watch))
        said = json.dumps({"version": 1, "look": 1, "step": 1, "images": 8}).encode()
        (look / "look.json").write_bytes(damage(said))

    return make
