"""The grey round trip on the page: what the autoencoder of a latent model does to frames."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.report import words
from solidmark.report.numbers import plain
from solidmark.runs import read_json

MUCH = 0.05
"""A floor above it is more than the error of a frame that is known by heart."""

TRIED = ("energy", "blend", "gradient")
"""The readers whose frames go through the encoder as the marks did."""

CORRECTED = ("latent-outpaint", "recall")
"""Those that look at decoded pictures, and correct what they read."""

PLACED = ("linear", "probe")
"""Those that place an image among reference images."""


@dataclass(frozen=True)
class RoundTrip:
    """What `round_trip.json` holds.

    Arguments:
        images: How many reference images it was measured on.
        factor: The pixels along a side of a cell of the latents.
        bias: How far greys come back off on average, in grey levels.
        spread: How much one grey varies, a standard deviation.
        floor: The mean error that is left after correction.
        keys: The greys painted, ascending.
        means: What came back of each on average.
        spreads: The standard deviation of each.
    """

    images: int
    factor: int
    bias: float
    spread: float
    floor: float
    keys: tuple[float, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]


def open_round_trip(folder: Path) -> RoundTrip | None:
    """The round trip of an audit; None for a model of pixels.

    Raises:
        BadInput: When the file cannot be read.
    """
    path = folder / "round_trip.json"
    if not path.is_file():
        return None
    kept: Any = read_json(path)
    try:
        points = zip(kept["keys"], kept["means"], kept["spreads"], strict=True)
        keys, means, spreads = zip(*(map(float, point) for point in points), strict=True)
        bias, spread, floor = (float(kept[name]) for name in ("bias", "spread", "floor"))
        images, factor = int(kept["images"]), int(kept["factor"])
        return RoundTrip(images, factor, bias, spread, floor, keys, means, spreads)
    except (KeyError, TypeError, ValueError) as error:
        raise BadInput(
            f'"{path}" is not a grey round trip of solidmark ({error}). Observe again.'
        ) from error


def sentences(found: RoundTrip, readers: Sequence[str]) -> list[str]:
    """What the autoencoder does, and what that means for the readers of this run.

    Arguments:
        found: The round trip.
        readers: The readers of this run.
    """
    said = [
        f"This model never sees a pixel: an autoencoder turns every {found.factor} x "
        f"{found.factor} of them into one cell. Frames of {len(found.keys)} greys round "
        f"{found.images} images were sent through it and back, without asking the model: a grey "
        f"comes back {plain(found.bias, 3)} off on average and varies by {plain(found.spread, 3)} "
        "from picture to picture (0 is black, 1 is white).",
        f"With this curve undone, an error of {plain(found.floor, 3)} is left. No reader that "
        "looks at decoded pictures can be without it, however well the model remembers.",
    ]
    titles = {name: words.reader(name).title for name in readers}
    if looking := [titles[name] for name in CORRECTED if name in titles]:
        are = "are such: their" if looking[1:] else "is one: its"
        said[1] += f" {_listed(looking)} {are} readings are corrected by this curve."
    for names, why in (
        (TRIED, "the frames that are tried go through the encoder, as the marks did."),
        (PLACED, "images are placed among reference images that went the same way."),
    ):
        some = [titles[name] for name in names if name in titles]
        if some:
            said[1] += f" {_listed(some)} need{'' if some[1:] else 's'} no correction: {why}"
    return said


def warning(found: RoundTrip) -> str:
    """What to do about an autoencoder that loses the greys; empty when it keeps them."""
    if found.floor <= MUCH:
        return ""
    return (
        "The autoencoder loses much of the greys. A thicker frame, a multiple of "
        f"{found.factor} pixels, may come back better: solidmark plan --model tries some."
    )


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if names[1:] else names)
