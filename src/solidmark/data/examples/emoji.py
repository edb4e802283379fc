"""The pictures in Google's font of emoji, each with its Unicode name as the caption."""

import unicodedata
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from solidmark.data.records import Record
from solidmark.errors import NotFound

FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "~/.local/share/fonts", "~/.fonts")
FONT = "NotoColorEmoji.ttf"
_INSTALL = (
    f'The example "emoji" needs the font {FONT} with bitmaps. '
    "Install it: sudo apt install fonts-noto-color-emoji"
)


@dataclass(frozen=True)
class Glyph:
    """Gives the PNG of one glyph, 136 x 128 pixels, when called."""

    font: Path
    name: str

    def __call__(self) -> bytes:
        return bytes(_font(self.font)[1][self.name].imageData)


def emoji_records() -> list[Record]:
    """One record a code point that is a picture by itself.

    Raises:
        NotFound: When the font is not installed.
    """
    path = font_path()
    names, pictures = _font(path)
    return [
        Record(f"emoji/{point:05x}", Glyph(path, glyph), caption=caption)
        for point, glyph in sorted(names.items())
        if glyph in pictures and (caption := name_of(point))
    ]


def font_path() -> Path:
    """Where the font is.

    Raises:
        NotFound: When it is in none of the usual folders.
    """
    for folder in FOLDERS:
        for path in sorted(Path(folder).expanduser().rglob(FONT)):
            return path
    raise NotFound(_INSTALL)


def name_of(point: int) -> str | None:
    """The Unicode name in lower case; None for what is drawn as a letter or has no name yet.

    Digits, the letters of flags and combining marks are pictures only in sequences.
    """
    sign = chr(point)
    if sign.isascii() or 0x1F1E6 <= point <= 0x1F1FF:
        return None
    if unicodedata.category(sign).startswith("M"):
        return None
    return unicodedata.name(sign, "").lower() or None


@cache
def _font(path: Path) -> tuple[dict[int, str], dict[str, Any]]:
    """The glyph of each code point, and the picture of each glyph."""
    fonts = import_module("fontTools.ttLib")  # It has no types, and comes with matplotlib.
    try:
        with fonts.TTFont(path) as font:
            names, pictures = font.getBestCmap(), font["CBDT"].strikeData[0]
            for picture in pictures.values():
                picture.ensureDecompiled()
    except (fonts.TTLibError, KeyError, OSError) as error:
        raise NotFound(f"{_INSTALL} ({path} has no bitmaps: {error})") from error
    return names, pictures
