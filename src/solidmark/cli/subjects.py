"""The options of which images a model is asked about."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from solidmark.cli.options import at_least, one_of

if TYPE_CHECKING:
    from solidmark.marks import Marked

SPLITS = ("trained", "held_out")

MarkedFolder = Annotated[
    Path,
    typer.Argument(
        metavar="MARKED", help="Folder of solidmark mark that the model was trained on."
    ),
]
Trained = Annotated[
    str,
    typer.Argument(
        metavar="IMAGES",
        help="What the model was trained on: a folder of solidmark mark, whose held-out half is "
        "the control, or any data that solidmark mark takes.",
    ),
]
Splits = Annotated[
    list[str],
    typer.Option(
        "--split",
        metavar="NAME",
        help="Which images are asked about: trained, held_out; may be given again.",
        callback=one_of("split", SPLITS),
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(help="At most so many images a split, drawn at random.", callback=at_least(1)),
]
Caption = Annotated[
    str | None,
    typer.Option(metavar="TEXT", help="The prompt of images that have no caption."),
]


def subjects(
    split: Splits = ["trained", "held_out"],
    limit: Limit = None,
    caption: Caption = None,
) -> None:
    """Which images a model is asked about."""


def counts(marked: "Marked", splits: tuple[str, ...], limit: int | None) -> dict[str, int]:
    """How many images of each split a model will be asked about."""
    images = {split: len(marked.ids(split)) for split in splits}
    return {split: min(number, limit or number) for split, number in images.items()}
