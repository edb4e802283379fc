"""What a run will be able to show, said before anything is marked, and what its frame costs."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from solidmark.data import Records, Resolution, open_data, sides_of
from solidmark.diffusion import Model
from solidmark.diffusion.model import GRADIENT_COST
from solidmark.errors import BadInput
from solidmark.marks import Frame, advise
from solidmark.measures.audit.effort import effort_lines, effort_of
from solidmark.measures.audit.forecast import (
    forecast_lines,
    frame_lines,
    pixel_lines,
    round_trip_lines,
)
from solidmark.measures.audit.thickness import advised, fitting_thicknesses, try_thicknesses
from solidmark.models import LatentModel, Opening, is_latent, open_model
from solidmark.readers import Blend, Energy
from solidmark.scores import COUNTS, enough_keys, outlook

SHARE = 0.01
"""Of the images, supposed memorized when nothing else is said."""

HELD_OUT = 0.1
"""As `solidmark mark` has it; a test holds the two together."""

MULTIPLE = 8
"""For networks that halve the sides of an image three times."""


@dataclass(frozen=True)
class Planned:
    """What a run will show."""

    facts: dict[str, Any]
    lines: tuple[str, ...]


def plan(
    images: int,
    resolution: Resolution,
    *,
    share: float | None = None,
    fdr: float = 0.05,
    held_out: float = HELD_OUT,
    thickness: int | None = None,
    count: int | None = None,
    multiple: int | None = None,
    model: str | None = None,
    data: str | None = None,
    limit: int = 64,
    device: str = "cpu",
) -> Planned:
    """Advises a frame, and forecasts which memorized images will be named.

    Arguments:
        images: How many there are, before any is held out.
        resolution: Their side in pixels, or "HEIGHTxWIDTH", before the marking.
        share: The share of the training images that is supposed memorized; `SHARE`, but at least
            one image, when None.
        fdr: The false-discovery rate at which images will be named.
        held_out: The share that is set aside as control.
        thickness: Of the frame, in pixels; advised when None.
        count: The greys of a frame; advised when None.
        multiple: What the sides of the marked images must be multiples of; `MULTIPLE` when None.
        model: A model; a few calls of it are timed, and if it works on latents, frames are tried
            on its autoencoder.
        data: Some of the images, to try them on.
        limit: At most so many of them.
        device: Where the model runs.

    Raises:
        BadInput: When something cannot be used as asked.
        NotFound: When there is no such model, or no such data.
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
        if model is None or data is None:
            raise BadInput(
                "--model and --data go together: the frames are tried on some of your images. "
                "Give both, or neither."
            )
        if multiple is not None:
            raise BadInput(
                "--multiple is a property of the network of --model. Leave one of them out."
            )
        is_latent(model)  # There is one, before the data are looked at.
        pictures = open_data(data, resolution=resolution, mode="RGB", limit=limit)
        tried = _try_frames(model, pictures, resolution, thickness, count, device)
        multiple, thickness = tried.multiple, tried.thickness or thickness
    framed = partial(
        advise, *sides_of(resolution), multiple=multiple or MULTIPLE, thickness=thickness
    )
    most = framed().pattern.count
    outlooks = outlook(trained, share, fdr, counts=sorted({*COUNTS, count or most}))
    frame = framed(count=count, enough=enough_keys(outlooks))
    chosen = next(row for row in outlooks if row.count == frame.pattern.count)
    # Two greys are neither one thing nor the other, and a row less is a row less to read.
    shown = [row for row in outlooks if row is chosen or (row.count <= most and row.count != 2)]
    calls = images * _calls_per_image(frame)
    effort = None
    if tried is not None:
        effort = effort_of(tried.model, tried.images, frame, images, calls, device)
    command = _command(frame, held_out)
    facts = {
        "images": {"trained": trained, "held_out": images - trained},
        "supposed": {"share": share, "memorized": round(share * trained), "fdr": fdr},
        "frame": {
            "image_size": list(frame.size),
            "marked_size": list(frame.marked_size),
            "thickness": frame.pattern.thickness,
            "count": frame.pattern.count,
            "block_pixels": frame.block_pixels,
            "extra_pixels": frame.extra,
            "multiple": frame.multiple,
            "is_a_multiple": frame.fits_the_network,
            "is_extrapolated": frame.is_extrapolated,
        },
        "network_calls": round(calls),
        "round_trip": tried and tried.facts,
        "effort": effort and effort.facts,
        "outlook": [asdict(row) for row in outlooks],
        "command": command,
    }
    lines = (
        *frame_lines(frame, calls, trained),
        "",
        *(tried.lines if tried else ()),
        *((*effort_lines(effort), "") if effort else ()),
        *forecast_lines(shown, chosen, trained, share, fdr),
        "",
        "Next, with your images for DATA, a new folder for MARKED, and a whole number of your own",
        "that nobody else knows for SECRET:",
        "",
        f"  {command}",
    )
    return Planned(facts, lines)


@dataclass(frozen=True)
class _Tried:
    """What trying frames on a model came to; nothing for a model of pixels.

    Arguments:
        model: The model.
        images: The images that it was tried with.
    """

    model: Model
    images: Records
    lines: list[str]
    facts: dict[str, Any] | None = None
    multiple: int | None = None
    thickness: int | None = None


def _try_frames(
    model: str,
    images: Records,
    resolution: Resolution,
    own: int | None,
    count: int | None,
    device: str,
) -> _Tried:
    """Measures the grey round trip of a latent model for a few thicknesses."""
    found = open_model(model, Opening(device=device))
    if not isinstance(found, LatentModel):
        return _Tried(found, images, [*pixel_lines(), ""])
    if own is not None and own % found.factor:
        raise BadInput(
            f"--thickness {own} is no multiple of {found.factor}, the pixels of a cell of the "
            "latents, so cells would hold frame and image at once. Use a multiple."
        )
    sides = sides_of(resolution)
    fitting = [own] if own else fitting_thicknesses(*sides, found.factor, found.multiple)
    trials = try_thicknesses(found, images, fitting, found.multiple, count)
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
    return _Tried(found, images, lines, facts, found.multiple, thickness)


def _calls_per_image(frame: Frame) -> float:
    """Of the reader that an audit takes when none is named."""
    return Energy().candidates if frame.pattern.count == 1 else Blend().steps * GRADIENT_COST


def _command(frame: Frame, held_out: float) -> str:
    count, thickness = frame.pattern.count, frame.pattern.thickness
    painted = "border" if count == 1 else f"segments --count {count}"
    height, width = frame.size
    side = f"{height}" if height == width else f"{height}x{width}"
    words = ["solidmark mark DATA MARKED", f"--resolution {side}"]
    words += [f"--pattern {painted}", f"--thickness {thickness}"]
    if held_out != HELD_OUT:
        words.append(f"--held-out {held_out:g}")
    return " ".join([*words, "--seed SECRET"])
