"""The options of which images a model is asked about."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from solidmark.cards.option import Choice
from solidmark.cli.options import Whole
from solidmark.cli.told import argument

if TYPE_CHECKING:
    from solidmark.marks import Marked

SPLITS = ("trained", "held_out")

MarkedFolder = Annotated[
    Path,
    argument("Folder of solidmark mark that the model was trained on.", "MARKED"),
]
Trained = Annotated[
    str,
    argument(
        "What the model was trained on: a folder of solidmark mark, whose held-out half is the "
        "control, or any data that solidmark mark takes.",
        "IMAGES",
    ),
]


@dataclass(frozen=True)
class Subjects:
    """Which images a model is asked about.

    Arguments:
        split: Which images are asked about: trained, held_out; may be given again.
        limit: At most so many images a split, drawn at random.
        caption: The prompt of images that have no caption.
    """

    split: Annotated[list[str], "--split", Choice("split", SPLITS)] = field(
        default_factory=lambda: list(SPLITS)
    )
    limit: Whole = None
    caption: Annotated[str | None, "TEXT"] = None


def counts(marked: "Marked", splits: tuple[str, ...], limit: int | None) -> dict[str, int]:
    """How many images of each split a model will be asked about."""
    images = {split: len(marked.ids(split)) for split in splits}
    return {split: min(number, limit or number) for split, number in images.items()}
