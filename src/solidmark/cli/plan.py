"""`solidmark plan`."""

from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

import typer

from solidmark.cli.forecast import forecast_lines, frame_lines
from solidmark.cli.options import Fdr, Json, a_share, at_least, show, within
from solidmark.errors import BadInput

if TYPE_CHECKING:
    from solidmark.marks import Frame

SHARE = 0.01
"""Of the images, supposed memorized when nothing else is said."""

HELD_OUT = 0.1
"""As `solidmark mark` has it; a test holds the two together."""


def plan(
    images: Annotated[
        int,
        typer.Option(
            help="How many images you have, before any is held out.", callback=at_least(2)
        ),
    ],
    resolution: Annotated[
        int,
        typer.Option(
            help="The side of the images in pixels, before the marking.", callback=at_least(1)
        ),
    ],
    share: Annotated[
        float | None,
        typer.Option(
            help="Share of the training images to suppose memorized.  [default: 0.01, but at "
            "least one image]",
            callback=a_share,
        ),
    ] = None,
    fdr: Fdr = 0.05,
    held_out: Annotated[
        float,
        typer.Option(
            help="Share set aside as control, as in solidmark mark.",
            callback=within("at least 0 and below 1", lambda number: 0 <= number < 1),
        ),
    ] = HELD_OUT,
    thickness: Annotated[
        int | None,
        typer.Option(
            help="Thickness of the frame in pixels; advised when not given.", callback=at_least(1)
        ),
    ] = None,
    count: Annotated[
        int | None,
        typer.Option(
            help="How many greys a frame has; advised when not given.",
            callback=within("from 1 to 256", lambda number: 1 <= number <= 256),
        ),
    ] = None,
    multiple: Annotated[
        int,
        typer.Option(
            help="What the sides of the marked images must be multiples of: 2 for each time that "
            "the network halves them (ddpm-32 and ddpm-64: 2 x 2 x 2 = 8).",
            callback=at_least(1),
        ),
    ] = 8,
    json: Json = False,
) -> None:
    """Say beforehand what a run can show, and what the frame costs.

    Advises a frame, forecasts which memorized images will be named and how few of them are
    noticed, and ends with the command that marks. Reads no image and writes nothing.

    Example: solidmark plan --images 10000 --resolution 256
    """
    trained = images - round(held_out * images)
    if trained < 1:
        raise BadInput(
            f"--held-out {held_out:g} leaves none of {images} images to train on. "
            "Use a smaller share."
        )
    share = max(SHARE, 1 / trained) if share is None else share
    from solidmark.marks import advise
    from solidmark.scores import COUNTS, enough_keys, outlook

    framed = partial(advise, resolution, resolution, multiple=multiple, thickness=thickness)
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
        "outlook": [asdict(row) for row in outlooks],
        "command": command,
    }
    show(
        result,
        json,
        *frame_lines(frame, calls, trained),
        "",
        *forecast_lines(shown, chosen, trained, share, fdr),
        "",
        "Next, with your images for DATA, a new folder for MARKED, and a whole number of your own",
        "that nobody else knows for SECRET:",
        "",
        f"  {command}",
    )


def _calls_per_image(frame: "Frame") -> float:
    """Of the reader that an audit takes when none is named."""
    from solidmark.diffusion.model import GRADIENT_COST
    from solidmark.readers import Blend, Energy

    return Energy().candidates if frame.pattern.count == 1 else Blend().steps * GRADIENT_COST


def _command(frame: "Frame", held_out: float) -> str:
    count, thickness = frame.pattern.count, frame.pattern.thickness
    painted = "border" if count == 1 else f"segments --count {count}"
    words = ["solidmark mark DATA MARKED", f"--resolution {frame.size[0]}"]
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
