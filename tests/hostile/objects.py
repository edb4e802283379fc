"""What a program may hand over by mistake: odd tensors, pictures, ids, captions, models."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

import solidmark
from solidmark.errors import SolidmarkError
from solidmark.runs import say

from .case import REFUSED, SET_APART, Case

PYTHON = "python"
"""The first word of a case that calls a function instead of a command."""


def _good(number: int = 0) -> Image.Image:
    pixels = np.random.default_rng(number).integers(0, 256, (16, 16, 3), np.uint8)
    return Image.fromarray(pixels)


def _among(*odd: Any) -> list[Any]:
    """Six pictures, and these."""
    return [*map(_good, range(6)), *odd]


class _Lies:
    """Says how many it holds, and has none of them."""

    def __init__(self, length: Any, error: Exception) -> None:
        self._length, self._error = length, error

    def __len__(self) -> int:
        return self._length  # type: ignore[no-any-return]

    def __getitem__(self, index: int) -> Any:
        if index < 6:
            return _good(index)
        raise self._error


class _Endless:
    """Goes on for ever."""

    def __iter__(self) -> Iterator[Image.Image]:
        return itertools.repeat(_good())


class _Spoken:
    """Whose every word is code for a terminal, and whose text is an error."""

    def __repr__(self) -> str:
        return "\x1b[31mred\nError: x"

    def __str__(self) -> str:
        raise ValueError("it has no text")


def _modes() -> dict[str, list[Any]]:
    modes = ("1", "L", "P", "PA", "LA", "La", "RGBA", "RGBa", "CMYK", "YCbCr", "LAB", "HSV")
    deep = ("I", "F", "I;16", "I;16B", "I;16L", "I;16N", "RGBX")
    return {f"pictures of mode {one}": _among(Image.new(one, (16, 16))) for one in (*modes, *deep)}


ROWS: dict[str, dict[str, Any]] = {
    "an id that is a number": {"id": 7},
    "an id that is None": {"id": None},
    "an id of bytes": {"id": b"\xff"},
    "an id that is a list": {"id": ["a"]},
    "an id that is an object": {"id": _Spoken()},
    "an id of 1 MB": {"id": "i" * 10**6},
    "an empty id": {"id": ""},
    "an id of NaN": {"id": float("nan")},
    "an id that is half a surrogate": {"id": "\ud800"},
    "an id that is a path": {"id": "../../../x"},
    "an id of another": {"id": "0"},
    "an id called version": {"id": "version"},
    "an id called checksum": {"id": "checksum"},
    "a caption that is a number": {"text": 7},
    "a caption that is a list": {"text": ["a", "b"]},
    "a caption that is an object": {"text": _Spoken()},
    "a caption of bytes": {"text": b"\xff\xfe"},
    "a caption of 10 MB": {"text": "word " * 2_000_000},
    "a caption of NaN": {"text": float("nan")},
    "a caption that is a tensor": {"text": torch.zeros(3)},
    "a class that is an object": {"label": _Spoken()},
    "a class of 10^400": {"label": 10**400},
    "a class that is a list": {"label": [1]},
    "a group that is a number": {"group": 7},
    "a group that is an object": {"group": _Spoken()},
    "no image": {"image": None},
    "an image that is a number": {"image": 7},
    "an image that is a path out": {"image": "/etc/passwd"},
    "an image that is /dev/zero": {"image": "/dev/zero"},
    "an image that is a mapping": {"image": {"bytes": b"x"}},
    "an image of bytes": {"image": b"\x89PNG"},
    "names that are numbers": {7: "x"},  # type: ignore[dict-item]
}


def _rows(odd: dict[str, Any]) -> list[Any]:
    rows = [{"image": _good(n), "id": f"{n}", "text": "a dog"} for n in range(6)]
    return [*rows, {"image": _good(9), "id": "9", "text": "a cat", **odd}]


DATA: dict[str, Callable[[], Any]] = {
    "an empty list": list,
    "an empty tuple": tuple,
    "None": lambda: None,
    "a number": lambda: 7,
    "bytes": lambda: b"data",
    "a mapping": lambda: {"a": _good()},
    "a set": lambda: {1, 2},
    "an endless iterator": _Endless,
    "a generator": lambda: (_good(n) for n in range(3)),
    "a length of 10^5": lambda: _Lies(10**5, ValueError("none")),
    "a length below 0": lambda: _Lies(-1, ValueError("none")),
    "a length that is a word": lambda: _Lies("many", ValueError("none")),
    "items that raise": lambda: _Lies(9, ValueError("\x1b[31mred\nError: x")),
    "items that end the program": lambda: _Lies(9, RuntimeError("worker died")),
    "a list that holds itself": lambda: (lambda some: some.append(some) or some)(_among()),
    "tensors of NaN": lambda: _among(torch.full((3, 16, 16), torch.nan)),
    "tensors of infinity": lambda: _among(torch.full((3, 16, 16), torch.inf)),
    "tensors above 1": lambda: _among(torch.full((3, 16, 16), 255.0)),
    "tensors of int64": lambda: _among(torch.zeros(3, 16, 16, dtype=torch.int64)),
    "tensors of bfloat16": lambda: _among(torch.zeros(3, 16, 16, dtype=torch.bfloat16)),
    "complex tensors": lambda: _among(torch.zeros(3, 16, 16, dtype=torch.complex64)),
    "sparse tensors": lambda: _among(torch.zeros(3, 16, 16).to_sparse()),
    "tensors on no device": lambda: _among(torch.zeros(3, 16, 16, device="meta")),
    "tensors with a gradient": lambda: _among(torch.zeros(3, 16, 16, requires_grad=True)),
    "tensors of 4 axes": lambda: _among(torch.zeros(1, 3, 16, 16)),
    "tensors of no axis": lambda: _among(torch.tensor(0.5)),
    "tensors of no pixels": lambda: _among(torch.zeros(3, 0, 16)),
    "tensors of 7 channels": lambda: _among(torch.zeros(7, 16, 16)),
    "tensors of 2 channels": lambda: _among(torch.zeros(2, 16, 16)),
    "arrays of objects": lambda: _among(np.full((16, 16), _Spoken(), dtype=object)),
    "arrays of text": lambda: _among(np.full((16, 16), "x")),
    "arrays of one huge row": lambda: _among(np.zeros((1, 10**7), np.uint8)),
    "arrays of NaN": lambda: _among(np.full((16, 16), np.nan)),
    "pictures of no pixels": lambda: _among(Image.new("RGB", (0, 16))),
    "pictures of other sizes": lambda: _among(Image.new("RGB", (1, 1)), Image.new("L", (999, 3))),
    "a picture that is closed": lambda: _among(_closed()),
    "words": lambda: _among("a dog", "\x1b[31m"),
    "numbers": lambda: _among(7, 7.5, None, True),
    "objects": lambda: _among(_Spoken()),
    "tuples of three": lambda: _among((_good(), "a dog", 7)),
    "captions that are tensors": lambda: _among((_good(), torch.zeros(3))),
    "captions that are objects": lambda: _among((_good(), _Spoken())),
    "the same twice": lambda: _among(_good(1), _good(1)),
    **{name: (lambda odd=odd: odd) for name, odd in _modes().items()},  # type: ignore[misc]
    **{name: (lambda odd=odd: _rows(odd)) for name, odd in ROWS.items()},  # type: ignore[misc]
}
MODELS: dict[str, Callable[[], Any]] = {
    "None": lambda: None,
    "a number": lambda: 7,
    "an object": _Spoken,
    "a list": list,
    "bytes": lambda: b"sd",
    "a function": lambda: len,
    "a network alone": lambda: torch.nn.Linear(2, 2),
    "a pair of words": lambda: ("a", "b"),
    "an empty word": lambda: "",
    "NUL": lambda: "\0",
}


def _closed() -> Image.Image:
    picture = _good()
    picture.close()
    return picture


READ = {"resolution": 8, "device": "cpu"}
DOORS: dict[str, Callable[[Any], Any]] = {
    "mark": lambda data: solidmark.mark(data, "OUT", thickness=2, held_out=0.5, resolution=8),
    "signals": lambda data: solidmark.signals(
        "gaussian", data, "OUT", signals=("loss",), times=1, limit=2, held_out="photos", **READ
    ),
    "nearest": lambda data: solidmark.nearest(data, "photos", "OUT", distances=("l2",), **READ),
    "duplicates": lambda data: solidmark.duplicates(data, "OUT", **READ),
    "mark, hashed": lambda data: solidmark.mark(
        data, "OUT", thickness=2, held_out=0.5, resolution=8, hash_ids="OUT.secret"
    ),
    "mark, shards": lambda data: solidmark.mark(
        data, "OUT", thickness=2, held_out=0.5, resolution=8, shards=2
    ),
}
ASKED: dict[str, Callable[[Any], Any]] = {
    "audit": lambda model: solidmark.audit(model, "marked", "OUT", limit=4, device="cpu"),
    "generate": lambda model: solidmark.generate(
        model, "OUT", marked="marked", n=1, steps=1, device="cpu"
    ),
}


def call(door: str, name: str) -> int:
    """Calls a function of the package with an object; the exit code that a command would have."""
    made = (MODELS if door in ASKED else DATA)[name]()
    try:
        found = ({**DOORS, **ASKED})[door](made)
    except SolidmarkError as error:
        say(f"Error: {error}", error=True)
        return 2
    if door.startswith("mark") and found.manifest.get("quarantined"):
        say("Not used: some.")
    return 0


def cases() -> Iterator[Case]:
    """Each object at `mark`, and at one of the other doors, which take turns."""
    others = [door for door in DOORS if door != "mark"]
    for number, name in enumerate(DATA):
        for door in ("mark", others[number % len(others)]):
            yield Case("objects", name, _nothing, (PYTHON, door, name))
    for name in MODELS:
        for door in ASKED:
            yield Case("objects", name, _nothing, (PYTHON, door, name), (REFUSED, SET_APART))


def _nothing(here: Path) -> None:
    """All is in the program."""
