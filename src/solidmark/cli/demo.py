"""`solidmark demo`."""

from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.asked import Asked
from solidmark.cli.command import command
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
    from solidmark.runs import open_results

    if asked.dry_run:
        side = it.DRAWING_RESOLUTION if text else it.RESOLUTION
        frame = it.DRAWING_THICKNESS if text else it.THICKNESS
        images = it.DRAWINGS if text else it.DIGITS
        return asked.plan(
            images=images,
            held_out=images // 2,
            marked_size=[side + 2 * frame] * 2,
            readers=["energy", "latent-outpaint", "recall"] if text else ["blend", "outpaint"],
            segments=it.DRAWING_SEGMENTS if text else it.SEGMENTS,
        )
    out = out or Path("runs/demo-text" if text else "runs/demo")
    results, page = it.run_text_demo(out, seed=seed) if text else it.run_demo(out, seed=seed)
    verdict = open_results(out).judged
    return asked.answer(results, verdict.headline, f"The page: {page}", verdict=verdict)
