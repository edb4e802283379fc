"""Opening an embedder by what a command line calls it: `phash`, `sscd:FILE@320`, `clip:FOLDER`."""

import re
from collections.abc import Callable
from dataclasses import dataclass

from solidmark.embed.embedder import Embedder
from solidmark.embed.hashes import Pdq, PerceptualHash
from solidmark.embed.onnx import open_onnx, open_sscd_onnx
from solidmark.embed.own import open_own
from solidmark.embed.pixels import Pixels
from solidmark.embed.torchscript import SSCD_SIDE, SSCD_URL, open_sscd
from solidmark.embed.vision import FAMILIES, Family, open_vision
from solidmark.errors import BadInput, UnknownName
from solidmark.runs import check_device

_OPTIONS = re.compile(r"(?:\d+|unit)(?:,(?:\d+|unit))*")


@dataclass(frozen=True)
class Word:
    """An embedder as a user writes it: `name`, `name:where`, `name:where@options`.

    Arguments:
        where: The file, folder or hub id; None where none was named.
        side: The input size in pixels, where it was named (`@320`).
        unit: Whether the network takes [0, 1] (`@unit`).
    """

    text: str
    name: str
    where: str | None = None
    side: int | None = None
    unit: bool = False

    @classmethod
    def parse(cls, text: str) -> "Word":
        """Takes a word apart. An `@` that no options follow belongs to the path."""
        head, at, tail = text.rpartition("@")
        options = tail.split(",") if at and _OPTIONS.fullmatch(tail) else []
        name, _, where = (head if options else text).partition(":")
        sides = [int(option) for option in options if option != "unit"]
        if len(sides) > 1:
            raise BadInput(f'"{text}" says more than one input size. Write name:where@SIZE.')
        return cls(text, name, where or None, sides[0] if sides else None, "unit" in options)


@dataclass(frozen=True)
class Entry:
    """One embedder of the table.

    Arguments:
        open: Opens it on a device.
        takes: Which fields of a word it understands.
    """

    open: Callable[[Word, str], Embedder]
    takes: frozenset[str] = frozenset()


def _sscd(word: Word, device: str) -> Embedder:
    if word.where is None:
        raise BadInput(
            f'"{word.text}" needs its weights. Download {SSCD_URL} and write sscd:FILE; or use '
            "sscd-onnx, which takes them from a package."
        )
    return open_sscd(word.where, _side(word), device)


def _side(word: Word) -> int:
    return SSCD_SIDE if word.side is None else word.side


def _onnx(word: Word, device: str) -> Embedder:
    if word.where is None:
        raise BadInput(f'"{word.text}" needs a file. Write onnx:FILE.')
    return open_onnx(word.where, word.side, word.unit, device)


def _own(word: Word, device: str) -> Embedder:
    if word.where is None:
        raise BadInput(f'"{word.text}" needs a folder of solidmark fit. Write own:FOLDER.')
    return open_own(word.where, device)


def _pixels(word: Word, device: str) -> Embedder:
    return Pixels() if word.side is None else Pixels(word.side)


def _vision(family: Family) -> Entry:
    return Entry(lambda word, device: open_vision(family, word.where, device), frozenset({"where"}))


EMBEDDERS: dict[str, Entry] = {
    **{name: _vision(family) for name, family in FAMILIES.items()},
    "onnx": Entry(_onnx, frozenset({"where", "side", "unit"})),
    "own": Entry(_own, frozenset({"where"})),
    "pdq": Entry(lambda word, device: Pdq()),
    "phash": Entry(lambda word, device: PerceptualHash()),
    "pixels": Entry(_pixels, frozenset({"side"})),
    "sscd": Entry(_sscd, frozenset({"where", "side"})),
    "sscd-onnx": Entry(
        lambda word, device: open_sscd_onnx(_side(word), device), frozenset({"side"})
    ),
}


def open_embedder(word: str, *, device: str = "cpu") -> Embedder:
    """Opens an embedder.

    Arguments:
        word: `pixels`, `phash`, `pdq`, `sscd:FILE`, `sscd-onnx`, `dinov2`, `clip` and `siglip`
            (each also with `:FOLDER` or `:HUB_ID`), `own:FOLDER`, `onnx:FILE`. `@320` names the
            input size of `pixels`, `sscd`, `sscd-onnx` and `onnx`; `@unit` or `@224,unit` gives an
            ONNX network values in [0, 1].
        device: Where a network runs: `cpu`, `cuda`, `cuda:1`, `mps`.

    Raises:
        UnknownName: When there is no such embedder.
        NotFound: When its weights are not there.
        MissingCapability: When a package that it needs is not installed.
        UnsafeCheckpoint: When its weights would have to be unpickled.
        BadInput: When it cannot be opened as asked.

    Example:
        >>> open_embedder("phash").card.dimensions
        64
    """
    asked = Word.parse(word)
    if asked.name not in EMBEDDERS:
        raise UnknownName("embedder", asked.name, EMBEDDERS)
    entry = EMBEDDERS[asked.name]
    meant = {"where": asked.where, "side": asked.side, "unit": asked.unit or None}
    excess = [field for field, value in meant.items() if value is not None]
    if surplus := [field for field in excess if field not in entry.takes]:
        said = {"where": f":{asked.where}", "side": f"@{asked.side}", "unit": "@unit"}
        raise BadInput(
            f'"{word}": the embedder "{asked.name}" takes no "{said[surplus[0]]}". Leave it out.'
        )
    check_device(device)
    return entry.open(asked, device)
