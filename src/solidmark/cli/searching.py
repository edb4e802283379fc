"""The options of how images are compared and searched."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cards import DISTANCES
from solidmark.cards.distances import TILES
from solidmark.cli.options import Device
from solidmark.cli.told import option
from solidmark.errors import BadInput

Window = Annotated[
    str,
    option(
        "16-bit images, floats and DICOM files: the values that become black and white; used = "
        "each image's own lowest and highest, full = all that the file can hold, or the window "
        "that a DICOM file names.",
        "LOW:HIGH",
    ),
]


@dataclass(frozen=True)
class Embedded:
    """Where embedders run, and where their vectors are kept.

    Arguments:
        cache: Where vectors of embedders are kept from run to run.  [default: ~/.cache/solidmark]
    """

    cache: Annotated[Path | None, "--cache", "FOLDER"] = None
    device: Device = "auto"


RESCALED = [one for card in DISTANCES.values() for one in card.options]
"""How modified and patched l2 are computed."""

Tiles = Annotated[int, option(TILES.help, TILES.range)]

HeldOut = Annotated[
    str | None,
    option(
        "Images of the same kind that the model never saw: what is found is judged by them. Those "
        "of a marked folder are taken when not given.",
        "DATA",
    ),
]


def _likeness(value: Any) -> float | None:
    """A similarity, or `auto` (None): calibrated on pairs of different pictures."""
    if value is None or str(value) == "auto":
        return None
    try:
        number = float(str(value))
    except ValueError:
        number = float("nan")
    if not -1 <= number <= 1:
        raise BadInput(f'--threshold takes a similarity in [-1, 1] or auto, not "{value}".')
    return number


Likeness = Annotated[
    Any, typer.Option("--threshold", metavar="auto|NUMBER", parser=str, callback=_likeness)
]
"""From which similarity on two pictures are alike."""
