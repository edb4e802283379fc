"""`solidmark plan`."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from solidmark.cards import Range
from solidmark.cards.option import A_SHARE, SET_ASIDE, at_least
from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.forecast import forecast_lines, frame_lines, pixel_lines, round_trip_lines
from solidmark.cli.options import (
    Device,
    Fdr,
    Json,
    Positive,
    Whole,
    a_resolution,
    require_model,
    resolve_device,
)
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.marks import Frame

SHARE = 0.01
"""Of the images, supposed memorized when nothing else is said."""

HELD_OUT = 0.1
"""As `solidmark mark` has it; a test holds the two together."""


@dataclass(frozen=True)
class Ended:
    """How a plan ends."""

    device: Device = "auto"
    json: Json = False


@command(ends=Ended)
def plan(
    asked: Asked,
    images: Annotated[int, "--images", at_least(2)],
    resolution: Annotated[str, "--resolution", "PIXELS", a_resolution],
    share: Annotated[float | None, A_SHARE] = None,
    fdr: Fdr = 0.05,
    held_out: Annotated[float, SET_ASIDE] = HELD_OUT,
    thickness: Whole = None,
    count: Annotated[int | None, Range("from 1 to 256", lambda number: 1 <= number <= 256)] = None,
    multiple: Positive = 8,
    model: Annotated[str | None, "MODEL"] = None,
    data: Annotated[str | None, "DATA"] = None,
    limit: Positive = 64,
) -> None:
    """Say beforehand what a run can show, and what the frame costs.

    Advises a frame, forecasts which memorized images will be named and how few of them are
    noticed, and ends with the command that marks. Writes nothing, and without --model reads
    nothing.

    Example: solidmark plan --images 10000 --resolution 256

    Arguments:
        images: How many images you have, before any is held out.
        resolution: The side of the images in pixels, or HEIGHTxWIDTH, before the marking.
        share: Share of the training images to suppose memorized. [default: 0.01, but at least one
            image]
        held_out: Share set aside as control, as in solidmark mark.
        thickness: Thickness of the frame in pixels; advised when not given.
        count: How many greys a frame has; advised when not given.
        multiple: What the sides of the marked images must be multiples of: 2 for each time that the
            network halves them (ddpm-32 and ddpm-64: 2 x 2 x 2 = 8).
        model: A model to fine-tune and audit, as in solidmark audit. If it works on latents, frames
            are tried on its autoencoder; needs --data.
        data: Some of your images to try frames of --model on.
        limit: At most so many of the images of --data.
    """
    trained = images - round(held_out * images)
    if trained < 1:
        raise BadInput(
            f"--held-out {held_out:g} leaves none of {images} images to train on. "
            "Use a smaller share."
        )
    share = max(SHARE, 1 / trained) if share is None else share
    tried = None
    if model is not None or data is not None:
        tried = _try_frames(asked, model, data)
        multiple, thickness = tried.multiple or multiple, tried.thickness or thickness
    from solidmark.data import sides_of
    from solidmark.marks import advise
    from solidmark.scores import COUNTS, enough_keys, outlook

    framed = partial(advise, *sides_of(resolution), multiple=multiple, thickness=thickness)
    most = framed().pattern.count
    outlooks = outlook(trained, share, fdr, counts=sorted({*COUNTS, count or most}))
    frame = framed(count=count, enough=enough_keys(outlooks))
    chosen = next(row for row in outlooks if row.count == frame.pattern.count)
    # Two greys are neither one thing nor the other, and a row less is a row less to read.
    shown = [row for row in outlooks if row is chosen or (row.count <= most and row.count != 2)]
    calls = images * _calls_per_image(frame)
    command = _command(frame, held_out)
    result = {
        "images": {"trained": trained, "held_out": images - trained},
        "supposed": {"share": share, "memorized": round(share * trained), "fdr": fdr},
        "frame": _facts(frame),
        "network_calls": round(calls),
        "round_trip": tried and tried.facts,
        "outlook": [asdict(row) for row in outlooks],
        "command": command,
    }
    asked.answer(
        result,
        *frame_lines(frame, calls, trained),
        "",
        *(tried.lines if tried else ()),
        *forecast_lines(shown, chosen, trained, share, fdr),
        "",
        "Next, with your images for DATA, a new folder for MARKED, and a whole number of your own",
        "that nobody else knows for SECRET:",
        "",
        f"  {command}",
    )


@dataclass(frozen=True)
class _Tried:
    """What trying frames on a model came to; nothing for a model of pixels."""

    lines: list[str]
    facts: dict[str, Any] | None = None
    multiple: int | None = None
    thickness: int | None = None


def _try_frames(asked: Asked, model: str | None, data: str | None) -> _Tried:
    """Measures the grey round trip of a latent model for a few thicknesses."""
    if model is None or data is None:
        raise BadInput(
            "--model and --data go together: the frames are tried on some of your images. "
            "Give both, or neither."
        )
    if asked.typed("multiple"):
        raise BadInput("--multiple is a property of the network of --model. Leave one of them out.")
    require_model(model)
    from solidmark.audit.thickness import advised, fitting_thicknesses, try_thicknesses
    from solidmark.data import open_data, sides_of
    from solidmark.models import LatentModel, Opening, open_model

    told = asked.values
    images = open_data(data, resolution=told["resolution"], mode="RGB", limit=told["limit"])
    found = open_model(model, Opening(device=resolve_device(told["device"])))
    if not isinstance(found, LatentModel):
        return _Tried([*pixel_lines(), ""])
    own = told["thickness"]
    if own is not None and own % found.factor:
        raise BadInput(
            f"--thickness {own} is no multiple of {found.factor}, the pixels of a cell of the "
            "latents, so cells would hold frame and image at once. Use a multiple."
        )
    sides = sides_of(told["resolution"])
    fitting = [own] if own else fitting_thicknesses(*sides, found.factor, found.multiple)
    trials = try_thicknesses(found, images, fitting, found.multiple, told["count"])
    chosen = advised(trials)
    thickness = chosen.frame.pattern.thickness
    facts = {
        "factor": found.factor,
        "images": len(images),
        "tried": [
            {
                "thickness": trial.frame.pattern.thickness,
                "count": trial.frame.pattern.count,
                "bias": trial.round_trip.bias,
                "spread": trial.round_trip.spread,
                "floor": trial.round_trip.floor,
            }
            for trial in trials
        ],
    }
    lines = [*round_trip_lines(trials, chosen, len(images)), ""]
    return _Tried(lines, facts, found.multiple, thickness)


def _calls_per_image(frame: "Frame") -> float:
    """Of the reader that an audit takes when none is named."""
    from solidmark.diffusion.model import GRADIENT_COST
    from solidmark.readers import Blend, Energy

    return Energy().candidates if frame.pattern.count == 1 else Blend().steps * GRADIENT_COST


def _command(frame: "Frame", held_out: float) -> str:
    count, thickness = frame.pattern.count, frame.pattern.thickness
    painted = "border" if count == 1 else f"segments --count {count}"
    height, width = frame.size
    side = f"{height}" if height == width else f"{height}x{width}"
    words = ["solidmark mark DATA MARKED", f"--resolution {side}"]
    words += [f"--pattern {painted}", f"--thickness {thickness}"]
    if held_out != HELD_OUT:
        words.append(f"--held-out {held_out:g}")
    return " ".join([*words, "--seed SECRET"])


def _facts(frame: "Frame") -> dict[str, Any]:
    return {
        "image_size": list(frame.size),
        "marked_size": list(frame.marked_size),
        "thickness": frame.pattern.thickness,
        "count": frame.pattern.count,
        "block_pixels": frame.block_pixels,
        "extra_pixels": frame.extra,
        "multiple": frame.multiple,
        "is_a_multiple": frame.fits_the_network,
        "is_extrapolated": frame.is_extrapolated,
    }
