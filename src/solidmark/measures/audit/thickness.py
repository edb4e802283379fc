"""How thick a frame must be to come back from the autoencoder of a latent model.

The grey round trip is measured for a few thicknesses of whole cells. A reader of decoded pictures
has at least the error that is left, its floor f, beside its own error e, and as both are
independent, about :math:`\\sqrt{e^2 + f^2}` in all: a floor far below e is as good as none. So the
thinnest frame is advised whose floor is below 0.01 (it makes 0.022 of 0.02, the error of an image
known by heart), or within 10 % of the lowest floor where none is as low.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from solidmark.data import Records
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput, BrokenImage
from solidmark.late import torch
from solidmark.marks import Frame, advise
from solidmark.readers import Query, RoundTrip, measure_round_trip
from solidmark.runs import progress

TRIED = 4
"""How many thicknesses are tried, the thinnest that fit."""

NOTHING = 0.01
"""A floor below it is lost in the error of any reader, in grey levels."""

AS_GOOD = 1.1
"""A floor so many times the lowest is as good."""

BATCH = 8
"""Images that go through the autoencoder at once."""


@dataclass(frozen=True)
class Trial:
    """A frame, and what comes back of it.

    Arguments:
        round_trip: The grey round trip of its keys.
    """

    frame: Frame
    round_trip: RoundTrip


def fitting_thicknesses(height: int, width: int, factor: int, multiple: int) -> list[int]:
    """The thinnest frames of whole cells that make an image a size that the network takes.

    Arguments:
        height: Of the image, in pixels.
        width: Of the image, in pixels.
        factor: The pixels along a side of a cell of the latents.
        multiple: What the sides of the marked image have to be multiples of.

    Returns:
        At most four thicknesses in pixels; beside the first, none above a quarter of the
            shorter side.

    Raises:
        BadInput: When there is none.

    Example:
        >>> fitting_thicknesses(256, 256, 8, 8), fitting_thicknesses(512, 512, 8, 64)
        ([8, 16, 24, 32], [32, 64, 96, 128])
    """
    whole = range(factor, factor * (multiple + TRIED * multiple) + 1, factor)
    sides = (height, width)
    fitting = [t for t in whole if not any((side + 2 * t) % multiple for side in sides)][:TRIED]
    if not fitting:
        high, wide = (max(multiple, round(side / multiple) * multiple) for side in sides)
        near = high if high == wide else f"{high}x{wide}"
        raise BadInput(
            f"The model takes sides that are multiples of {multiple} pixels and keeps frames of "
            f"whole cells, {factor} pixels each: none makes {height} x {width} fit. Use "
            f"--resolution {near}."
        )
    return [fitting[0], *(t for t in fitting[1:] if t <= min(sides) / 4)]


def try_thicknesses(
    model: Model, images: Records, thicknesses: Sequence[int], multiple: int, count: int | None
) -> list[Trial]:
    """Sends frames of several thicknesses through the autoencoder and back.

    Arguments:
        model: A latent model; no network call is made.
        images: Some of the images that are to be marked, all of one size.
        multiple: What the sides of the marked image have to be multiples of.
        count: The greys of a frame; advised for each thickness when None.

    Raises:
        BadInput: When none of the images can be read.
    """
    readable = []
    for number in range(len(images)):
        try:
            readable.append(images[number].image)
        except BrokenImage:
            continue
    if not readable:
        raise BadInput("None of the images of --data can be read. Name others.")
    batch = torch.stack(readable)
    trials = []
    sides = batch.shape[-2], batch.shape[-1]
    with progress("trying frames", len(thicknesses)) as advance:
        for thickness in thicknesses:
            frame = advise(*sides, multiple=multiple, thickness=thickness, count=count)
            query = Query(batch, frame.pattern, condition=None)
            trials.append(Trial(frame, measure_round_trip(Metered(model, BATCH), query)))
            advance()
    return trials


def advised(trials: Sequence[Trial]) -> Trial:
    """The thinnest frame that comes back well enough: see the rule at the top."""
    enough = max(NOTHING, AS_GOOD * min(trial.round_trip.floor for trial in trials))
    fine = [trial for trial in trials if trial.round_trip.floor <= enough]
    return min(fine, key=lambda trial: trial.frame.pattern.thickness)
