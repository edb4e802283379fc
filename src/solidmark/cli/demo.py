"""`solidmark demo`."""

from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.asked import Asked
from solidmark.cli.command import command
from solidmark.cli.judging import judged
from solidmark.cli.options import Seed


@command()
def demo(
    asked: Asked,
    out: Annotated[
        Path | None,
        typer.Argument(
            metavar="OUT",
            help="Folder to write.  [default: runs/demo; runs/demo-text with --text]",
            show_default=False,
        ),
    ] = None,
    text: Annotated[bool, "--text"] = False,
    seed: Seed = 0,
) -> None:
    """Try it: mark, train and audit real digits, in minutes.

    128 handwritten digits that come with the install are marked, a small model is trained on half
    of them until it has memorized most, and the audit names them. With --text the same for a
    text-to-image model that works on latents, and 128 drawings with captions.

    Example: solidmark demo --text

    Arguments:
        text: A small text-to-image model of captioned drawings instead.
    """
    from solidmark import demo as it

    if asked.dry_run and text:
        return asked.plan(
            images=it.DRAWINGS,
            held_out=it.DRAWINGS // 2,
            marked_size=[it.DRAWING_RESOLUTION + 2 * it.DRAWING_THICKNESS] * 2,
            readers=["energy", "latent-outpaint", "recall"],
            segments=it.DRAWING_SEGMENTS,
        )
    if asked.dry_run:
        return asked.plan(
            images=it.DIGITS,
            held_out=it.DIGITS // 2,
            marked_size=[it.RESOLUTION + 2 * it.THICKNESS] * 2,
            readers=["blend", "outpaint"],
            segments=it.SEGMENTS,
        )
    out = out or Path("runs/demo-text" if text else "runs/demo")
    results, page = it.run_text_demo(out, seed=seed) if text else it.run_demo(out, seed=seed)
    verdict = judged(out)
    return asked.answer(results, verdict.headline, f"The page: {page}", verdict=verdict)
