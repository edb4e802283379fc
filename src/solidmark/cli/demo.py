"""`solidmark demo`."""

from pathlib import Path
from typing import Annotated

import typer

from solidmark.cli.options import Json, Seed, show


def demo(
    out: Annotated[Path, typer.Argument(help="Folder to write.")] = Path("runs/demo"),
    seed: Seed = 0,
    json: Json = False,
) -> None:
    """Do the main job on real handwritten digits, in minutes: mark, train, audit, report.

    Example: solidmark demo
    """
    from solidmark.demo import run_demo

    results, page = run_demo(out, seed=seed)
    from solidmark.report import verdict

    show(results, json, verdict(results["rows"]).headline, f"The page: {page}")
