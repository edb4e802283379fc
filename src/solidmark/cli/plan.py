"""`solidmark plan`."""

from typing import Annotated

from solidmark.cards import Range
from solidmark.cards.asked import a_resolution
from solidmark.cards.option import A_SHARE, SET_ASIDE, at_least
from solidmark.cli.asked import Asked
from solidmark.cli.command import Said, command
from solidmark.cli.options import Device, Fdr, Positive, Whole


@command(ends=Said)
def plan(
    asked: Asked,
    images: Annotated[int, "--images", at_least(2)],
    resolution: Annotated[str, "--resolution", "PIXELS", a_resolution],
    share: Annotated[float | None, A_SHARE] = None,
    fdr: Fdr = 0.05,
    held_out: Annotated[float, SET_ASIDE] = 0.1,
    thickness: Whole = None,
    count: Annotated[int | None, Range("from 1 to 256", lambda number: 1 <= number <= 256)] = None,
    multiple: Positive = 8,
    model: Annotated[str | None, "MODEL"] = None,
    data: Annotated[str | None, "DATA"] = None,
    limit: Positive = 64,
    device: Device = "auto",
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
        model: A model to fine-tune and audit, as in solidmark audit. A few of its calls are timed,
            for what an audit costs on this machine; if it works on latents, frames are tried on its
            autoencoder. Needs --data.
        data: Some of your images to try frames of --model on.
        limit: At most so many of the images of --data.
    """
    from solidmark.measures.audit import plan as foresee
    from solidmark.runs import usual_device

    found = asked.fill(
        foresee,
        # It is a property of the network of a model, and then only refused.
        multiple=multiple if model is None or asked.typed("multiple") else None,
        # torch is not asked where no model is.
        device=usual_device(device) if model else None,
    )
    asked.answer(found.facts, *found.lines)
