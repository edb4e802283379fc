"""The perturbations: what is done to the picture that a model is asked about; its key stays."""

from collections.abc import Callable
from typing import Any

from solidmark.cards.card import Card, by_name
from solidmark.cards.option import A_SHARE, NOT_NEGATIVE, Option, Range, between

APPENDIX_G = "SolidMark (Kriplani et al., 2025), Appendix G"
PAPER = "SolidMark (Kriplani et al., 2025), Section 5.2"


def _whole(least: float, most: float, odd: bool = False) -> Callable[[float], bool]:
    return lambda number: least <= number <= most and number % (2 if odd else 1) == int(odd)


ODD = Range("an odd whole number", _whole(1, 9999, odd=True))
QUALITY = Range("a whole number from 1 to 100", _whole(1, 100))
TURN = Range("0 or more and below 360", lambda degrees: 0 <= degrees < 360)
SHIFT = Range(
    "0 or more: a share of the side below 1, whole pixels from 1 on",
    lambda offset: NOT_NEGATIVE.holds(offset) and (offset < 1 or offset % 1 == 0),
)


def _card(name: str, title: str, how: str, paper: str, *option: Any, unit: str = "") -> Card:
    """A card with one option, or none: its field, type, default, help and range."""
    options = (Option(*option),) if option else ()
    brief = f"{option[3].rstrip('.')}, {option[2]:g}" if option else "a mirror image"
    return Card(name, title, brief=brief, how=how, unit=unit, paper=paper, options=options)


PERTURBATIONS = by_name(
    _card(
        "crop",
        "Crop",
        "A random part of the picture, each side so long against the whole, enlarged to the size "
        "of the picture (bilinear). 0.8, 0.6, 0.4 and 0.2 in the paper; 1 changes nothing.",
        APPENDIX_G,
        *("share", float, 0.8, "share of each side.", A_SHARE),
        unit="share of the side",
    ),
    _card(
        "blur",
        "Blur",
        "A Gaussian kernel of so many pixels, of standard deviation 0.15 k + 0.35 (1.1 for 5), "
        "the picture continued by reflection. 5, 9, 13 and 17 in the paper; 1 changes nothing.",
        f"{APPENDIX_G}; the standard deviation is that of torchvision and OpenCV",
        *("kernel", int, 5, "kernel in pixels.", ODD),
        unit="pixels",
    ),
    _card(
        "rotate",
        "Rotation",
        "Turned round its middle, the corners filled by reflection. Below 90 degrees the side is "
        "drawn at random, from 90 on it is counter-clockwise; quarter turns of squares lose "
        "nothing. 0 changes nothing.",
        f"{PAPER}, without a number",
        *("degrees", float, 15.0, "degrees.", TURN),
        unit="degrees",
    ),
    _card("flip", "Flip", "The mirror image, left and right exchanged.", "ours"),
    _card(
        "shift",
        "Shift",
        "Moved along both axes, each side drawn at random, what is uncovered filled by "
        "reflection. 0 changes nothing.",
        "ours",
        *("offset", float, 1.0, "pixels, or a share of the side below 1.", SHIFT),
        unit="pixels, or share of the side",
    ),
    _card(
        "noise",
        "Noise",
        "Gaussian noise of so large a standard deviation on every value, cut off at black and "
        "white. 0 changes nothing.",
        "ours",
        *("deviation", float, 0.1, "standard deviation.", between(0, 1)),
        unit="grey levels in [0, 1]",
    ),
    _card(
        "jpeg",
        "JPEG",
        "Compressed as JPEG at this quality, and opened again.",
        "ours",
        *("quality", int, 75, "quality.", QUALITY),
        unit="quality of libjpeg, high = good",
    ),
)
