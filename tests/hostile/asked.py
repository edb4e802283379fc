"""Hostile data and folders, given to the commands that train, draw, and ask a model."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from .case import Case, Make
from .folders import CONTENTS, damaged
from .names import CAPTIONS, CLASSES, captioned, metadata
from .pictures import PLACES

CPU = ("--device", "cpu")
SIZED = ("--resolution", "8", *CPU)
OTHERS = ("--held-out", "photos", "--limit", "2", *SIZED)
DRAWN = ("--steps", "2", "--per-prompt", "2", "--limit", "2", "--unrelated", "2", *CPU)

TRAIN = (
    *("train", "marked", "OUT", "--preset", "digits-demo", "--block-out-channels", "8,16"),
    *("--norm-num-groups", "4", "--max-train-steps", "1", "--train-batch-size", "2", *CPU),
)
GENERATE = ("generate", "gaussian", "OUT", "--marked", "marked", "-n", "2", "--steps", "2", *CPU)
TOLD = ("intent", "average-per-caption", "photos", "OUT", *DRAWN, "--resolution", "8")
SIGNALS = ("signals", "gaussian", "data", "OUT", "--signal", "loss", "--times", "1", *OTHERS)
INVMM = (
    *("invmm", "gaussian", "data", "OUT", *OTHERS, "--steps", "2", "--samples", "2", "--every"),
    *("1", "--checked", "1", "--sampling-steps", "2", "--threshold", "0.9"),
)
INTENT = ("intent", "average-per-caption", "data", "OUT", *DRAWN, "--resolution", "8")
DUPLICATES = ("duplicates", "data", "OUT", *SIZED)
OF_DATA = (SIGNALS, INVMM, INTENT, DUPLICATES)
ROWS: dict[str, bytes] = {
    "empty": b"",
    "not UTF-8": b"\xff\xfe a red dog\n",
    "a NUL": b"a red\0dog\n",
    "codes of a terminal": b"a \x1b[31mred\x1b[0m dog\n",
    "a deep list": b"[" * 10**6,
    "a long line": b"a red dog " * 10**6,
    "numbers": b"1\n2\n3\n",
    "objects of lists": b'{"text": ["a"], "id": {}, "entities": 7}\n',
    "the same twice": b'{"text": "a red dog", "id": "a"}\n{"text": "a cat", "id": "a"}\n',
}
"""What may stand in a file of prompts, or of what is expected."""


def cases() -> Iterator[Case]:
    """Data with hostile captions, ids and places; damaged marked folders; files of rows."""
    for name, line in CLASSES.items():
        for words in OF_DATA:
            yield Case("asked", name, metadata(line), words)
    for name, (text, _) in CAPTIONS.items():
        for words in (SIGNALS, INTENT):
            yield Case("asked", name, captioned(text), words)
    for name, (place, _) in PLACES.items():
        for words in (SIGNALS, DUPLICATES):
            yield Case("asked", name, _placed(place), words)
    for path in ("manifest.json", "keys.parquet", "files.json", "train/metadata.jsonl"):
        for name, damage in CONTENTS.items():
            for words in (TRAIN, GENERATE):
                yield Case("asked", f"{path}: {name}", damaged(f"marked/{path}", damage), words)
    for name, content in ROWS.items():
        for option, file in (("--prompts", "x.jsonl"), ("--prompts", "x.txt")):
            yield Case("asked", f"{file}: {name}", _file(file, content), (*TOLD, option, file))
        for file in ("x.csv", "x.jsonl"):
            named = f"expected {file}: {name}"
            yield Case("asked", named, _file(file, content), (*TOLD, "--expected", file))
    for option, file in (("--prompts", "x.txt"), ("--expected", "x.csv")):
        yield Case("asked", f"a pipe called {file}", _pipe(file), (*TOLD, option, file))


def _placed(place: Callable[[Path], object]) -> Make:
    return lambda here: place(here / "data")


def _file(name: str, content: bytes) -> Make:
    return lambda here: (here / name).write_bytes(content)


def _pipe(name: str) -> Make:
    return lambda here: os.mkfifo(here / name)
