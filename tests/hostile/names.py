"""Names and captions that act upon a terminal, a page, a spreadsheet or a path."""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path

from .case import INSPECT, MARK, REFUSED, SET_APART, TAKEN, Case, Make
from .pictures import PNG

NAMES: dict[str, bytes] = {
    "a line break": b"a\nError: b.png",
    "a carriage return": b"a\rb.png",
    "a red word": b"\x1b[31mred\x1b[0m.png",
    "a title of the terminal": b"\x1b]0;owned\x07.png",
    "a bell": b"a\x07.png",
    "a C1 control": "a\x9b31m.png".encode(),
    "a change of direction": "a\u202egnp.exe.png".encode(),
    "a zero width": "a\u200b.png".encode(),
    "250 letters": b"x" * 246 + b".png",
    "no UTF-8": b"a\xff\xfe.png",
    "half a surrogate": b"a\xed\xa0\x80.png",
    "a formula": b"=cmd|' calc'!A0.png",
    "an HTML tag": b"<img src=x onerror=alert(1)>.png",
    "quotes": b"\"'`$(touch canary)`.png",
    "an option": b"--help.png",
    "a backslash": b"a\\..\\..\\x.png",
    "a space at the end": b"a.png ",
    "a colon": b"datasets:a.png",
    "a star": b"*.png",
    "a brace": b"{000..999999999}.png",
    "a template": b"{{7*7}}{%raw%}.png",
    "a percent": b"%s%n%x.png",
}
CAPTIONS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "10 MB": (b"word " * 2_000_000, (REFUSED, SET_APART, TAKEN)),
    "NUL": (b"a\0b", (REFUSED, SET_APART, TAKEN)),
    "right to left": ("\u202eabc \u2067def".encode(), (TAKEN,)),
    "HTML": (b"<script>document.title='x'</script></td></html>", (TAKEN,)),
    "a template": (b"{{ 7*7 }}{% for x in y %}", (TAKEN,)),
    "ANSI": (b"\x1b[2J\x1b]0;x\x07", (TAKEN,)),
    "a formula": (b'=HYPERLINK("http://x","y")', (TAKEN,)),
    "no UTF-8": (b"\xff\xfe\xfd", (SET_APART,)),
    "UTF-16": ("caption".encode("utf-16"), (SET_APART, REFUSED)),
    "empty": (b"", (TAKEN,)),
    "line breaks": (b"\n\r\n\x0b\x0c\x85\n", (SET_APART, TAKEN)),
    "a million combining accents": (("a" + "\u0301" * 10**6).encode(), (TAKEN,)),
}


def _named(name: bytes, folder: str = "data") -> Make:
    def make(here: Path) -> None:
        Path(os.fsdecode(os.fsencode(here / folder) + b"/" + name)).write_bytes(PNG)

    return make


def captioned(text: bytes) -> Make:
    def make(here: Path) -> None:
        (here / "data" / "00.txt").write_bytes(text)

    return make


def _both(*makes: Make) -> Make:
    return lambda here: [make(here) for make in makes]


def _truncate(name: bytes) -> Make:
    """A picture of such a name that is broken: the name is said."""

    def make(here: Path) -> None:
        path = os.fsencode(here / "data") + b"/" + name
        Path(os.fsdecode(path)).write_bytes(PNG[:40])

    return make


def _folder(name: bytes) -> Make:
    def make(here: Path) -> None:
        os.rename(here / "data", os.fsdecode(os.fsencode(here) + b"/" + name))

    return make


CLASSES: dict[str, Callable[[str], str]] = {
    "a class that is HTML": lambda name: json.dumps({"file_name": name, "class": "<b onclick=x>"}),
    "a group with a line break": lambda name: json.dumps(
        {"file_name": name, "group": "a\nb\x1b[0m"}
    ),
    "an id that is a path": lambda name: json.dumps({"file_name": name, "id": f"../../../{name}"}),
    "an id that is absolute": lambda name: json.dumps({"file_name": name, "id": f"/tmp/{name}"}),
    "an id with a NUL": lambda name: json.dumps({"file_name": name, "id": f"{name}\0x"}),
    "an id of 5,000 letters": lambda name: json.dumps({"file_name": name, "id": name + "x" * 5000}),
    "an id that is empty": lambda name: json.dumps({"file_name": name, "id": ""}),
    "an id that is a dot": lambda name: json.dumps({"file_name": name, "id": name[:2] + "/.."}),
    "an id that is a manifest": lambda name: json.dumps(
        {"file_name": name, "id": "manifest.json" if name == "00.png" else name}
    ),
}


def metadata(line: Callable[[str], str]) -> Make:
    def make(here: Path) -> None:
        lines = [line(path.name) for path in sorted((here / "data").iterdir())]
        (here / "data" / "metadata.jsonl").write_text("\n".join(lines))

    return make


def cases() -> Iterator[Case]:
    """Names of files, folders, classes and ids, and captions."""
    for name, spelt in NAMES.items():
        ends = (TAKEN, SET_APART) if name == "a space at the end" else (TAKEN,)
        yield Case("names", name, _named(spelt), MARK, ends)
        yield Case("names", f"{name}, broken", _truncate(spelt), MARK, (SET_APART,))
        words = ("nearest", "data", "photos", "OUT", "--device", "cpu", "--distance", "l2")
        sized = (*words, "--resolution", "8")
        yield Case("names", f"{name}, in a page", _named(spelt), sized, (TAKEN, SET_APART))
    for name in ("a red word", "an HTML tag", "an option", "no UTF-8", "a line break", "a star"):
        given = os.fsdecode(NAMES[name].removesuffix(b".png"))
        typed = ("mark", f"./{given}", *MARK[2:])
        yield Case("names", f"{name}, of the data folder", _folder(os.fsencode(given)), typed)
    for name, (text, ends) in CAPTIONS.items():
        yield Case("captions", name, captioned(text), MARK, ends)
        yield Case("captions", name, captioned(text), INSPECT)
    for name, line in CLASSES.items():
        yield Case("captions", name, metadata(line), MARK)
        yield Case(
            "captions",
            f"{name}, then a guard",
            metadata(line),
            (
                "index",
                "data",
                "OUT",
                "--device",
                "cpu",
                "--distance",
                "l2",
                "--pictures",
                "--resolution",
                "8",
            ),
        )
