"""The options of how images are compared and searched."""

from pathlib import Path
from typing import Annotated, Any

import typer

from solidmark.cli.mark import MODES
from solidmark.cli.options import (
    Device,
    Window,
    a_resolution,
    at_least,
    memory_bytes,
    one_of,
    resolve_device,
    within,
)

Memory = Annotated[
    int,
    typer.Option(
        metavar="SIZE",
        parser=memory_bytes,
        help="What a search may hold at most, beside the program itself: 500MB, 2GB.",
    ),
]
CacheFolder = Annotated[
    Path | None,
    typer.Option(
        "--cache",
        metavar="FOLDER",
        help="Where vectors of embedders are kept from run to run.  [default: ~/.cache/solidmark]",
    ),
]
Resolution = Annotated[
    str | None,
    typer.Option(
        metavar="PIXELS",
        help="Cut out the centre and resize it to this side in pixels, or HEIGHTxWIDTH, of all "
        "images. Needed when they differ in size.",
        callback=a_resolution,
    ),
]
ImageMode = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="RGB (colour) or L (grey); that of a marked folder, else RGB, when not given.",
        callback=one_of("image mode", MODES),
    ),
]
Neighbourhood = Annotated[
    int,
    typer.Option(
        help="Neighbours that modified and patched l2 are rescaled by.", callback=at_least(1)
    ),
]
Alpha = Annotated[
    float,
    typer.Option(
        help="What their mean distance is multiplied with.",
        callback=within("above 0", lambda number: number > 0),
    ),
]
Tiles = Annotated[int, typer.Option(help="Patched l2: tiles along a side.", callback=at_least(2))]


def sized(resolution: Resolution = None, mode: ImageMode = None, window: Window = "full") -> None:
    """What images are brought to before they are compared or asked about."""


def rescaled(n: Neighbourhood = 50, alpha: Alpha = 0.5, tiles: Tiles = 4) -> None:
    """How modified and patched l2 are computed."""


def embedded(cache: CacheFolder = None, device: Device = "auto") -> None:
    """Where embedders run, and where their vectors are kept."""


def search_of(asked: dict[str, Any]) -> dict[str, Any]:
    """The fields of a search that a command takes from these groups."""
    names = ("resolution", "mode", "window", "n", "alpha", "tiles", "cache")
    fields = {name: asked[name] for name in names if name in asked}
    return {**fields, "device": resolve_device(asked["device"])}
