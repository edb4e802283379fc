"""Folders of runs whose files are somebody else's, or damaged."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from .case import AUDIT_OPTIONS, Case, Make

AUDIT = ("audit", "gaussian", "marked", "OUT", *AUDIT_OPTIONS)
GUARD = ("guard", "index", "data", "--threshold", "l2=0.1", "--device", "cpu")
CONTENTS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "half": lambda whole: whole[: len(whole) // 2],
    "zeros": lambda whole: bytes(len(whole)),
    "a deep list": lambda whole: b"[" * 10**6,
    "a bit flipped": lambda whole: (
        whole[: len(whole) // 2]
        + bytes([whole[len(whole) // 2] ^ 4])
        + whole[len(whole) // 2 + 1 :]
    ),
    "a pickle's head": lambda whole: b"\x80\x04cos\nsystem\n(S'touch canary'\ntR.",
}
FILES: dict[str, tuple[tuple[str, ...], ...]] = {
    "marked/manifest.json": (AUDIT, ("inspect", "marked")),
    "marked/files.json": (AUDIT,),
    "marked/keys.parquet": (AUDIT,),
    "marked/train/metadata.jsonl": (AUDIT,),
    "audit/manifest.json": (("report", "audit"), ("score", "audit")),
    "audit/results.json": (("report", "audit"), ("compare", "audit", "audit")),
    "audit/scores.parquet": (("report", "audit"),),
    "audit/evidence.parquet": (("score", "audit"),),
    "index/manifest.json": (GUARD,),
    "index/images.parquet": (GUARD,),
}


def damaged(path: str, damage: Callable[[bytes], bytes]) -> Make:
    return lambda here: (here / path).write_bytes(damage((here / path).read_bytes()))


def _replaced(path: str, put: Callable[[Path], object]) -> Make:
    def make(here: Path) -> None:
        (here / path).unlink()
        put(here / path)

    return make


def _told(path: str, value: object) -> Make:
    """Puts a value in place of each that a JSON file holds."""

    def make(here: Path) -> None:
        held = json.loads((here / path).read_text())
        kept = {"version": held.get("version"), "command": held.get("command"), "finished": True}
        names = [name for name in held if name != "checksum"]  # Or nothing behind it is reached.
        (here / path).write_text(json.dumps(dict.fromkeys(names, value) | kept))

    return make


VALUES = {
    "null": None,
    "a list": [1],
    "a number": -1,
    "a path out": "../../x",
    "escapes": "\x1b[2J\n\x07",
}


def cases() -> Iterator[Case]:
    """Each file of a run, damaged, a pipe, or a link out."""
    for path, commands in FILES.items():
        for words in commands:
            for name, damage in CONTENTS.items():
                yield Case("run folders", f"{path}: {name}", damaged(path, damage), words)
            yield Case("run folders", f"{path}: a pipe", _replaced(path, os.mkfifo), words)
            yield Case("run folders", f"{path}: a folder", _replaced(path, Path.mkdir), words)
            zero = _replaced(path, lambda place: place.symlink_to("/dev/zero"))
            yield Case("run folders", f"{path}: /dev/zero", zero, words)
            if path.endswith(("manifest.json", "results.json")):
                for name, value in VALUES.items():
                    told = _told(path, value)
                    yield Case("run folders", f"{path}: {name} for all", told, words)
