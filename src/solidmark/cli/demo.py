"""`solidmark demo`."""

from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.audit import headline
from solidmark.cli.options import Config, DryRun, Json, Seed, show, show_plan


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(metavar="OUT", help="Folder to write.")] = Path(
        "runs/demo"
    ),
    seed: Seed = 0,
    config: Config = None,
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Try it: mark, train and audit real digits, in minutes.

    128 handwritten digits that come with the install are marked, a small model is trained on half
    of them until it has memorized most, and the audit names them.

    Example: solidmark demo
    """
    from solidmark.demo import DIGITS, RESOLUTION, SEGMENTS, THICKNESS, run_demo

    if dry_run:
        return show_plan(
            context,
            images=DIGITS,
            held_out=DIGITS // 2,
            marked_size=[RESOLUTION + 2 * THICKNESS] * 2,
            readers=["blend", "outpaint"],
            segments=SEGMENTS,
        )
    results, page = run_demo(out, seed=seed)
    return show(results, json, headline(out, results), f"The page: {page}")
