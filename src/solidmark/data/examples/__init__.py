"""Real pictures that come with packages, so that everything can be tried without a network."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from solidmark.cards.asked import Mode
from solidmark.data.examples.digits import digit_records
from solidmark.data.examples.emoji import emoji_records
from solidmark.data.examples.land import land_records
from solidmark.data.examples.openmoji import openmoji_records
from solidmark.data.records import Record


@dataclass(frozen=True)
class Example:
    """An example set.

    Arguments:
        name: What to call it on the command line.
        what: One line for a person.
        mode: The mode that fits its pictures.
    """

    name: str
    what: str
    licence: str
    mode: Mode
    load: Callable[[], list[Record]]


_BLUE_MARBLE = "public domain (NASA Blue Marble); the package is LGPL-3.0"

EXAMPLES: dict[str, Example] = {
    example.name: example
    for example in (
        Example(
            "digits", "5,000 handwritten digits, 28 x 28, grey", "BSD-3-Clause", "L", digit_records
        ),
        Example(
            "emoji", "1,366 emoji of the Noto font, with names", "OFL-1.1", "RGB", emoji_records
        ),
        Example(
            "openmoji",
            "1,435 OpenMoji drawings, with names",
            "CC-BY-SA-4.0",
            "RGB",
            openmoji_records,
        ),
        Example(
            "land", "3,150 satellite tiles, 32 x 32", _BLUE_MARBLE, "RGB", partial(land_records, 32)
        ),
        Example(
            "land48",
            "1,476 satellite tiles, 48 x 48",
            _BLUE_MARBLE,
            "RGB",
            partial(land_records, 48),
        ),
        Example(
            "land64", "843 satellite tiles, 64 x 64", _BLUE_MARBLE, "RGB", partial(land_records, 64)
        ),
    )
}
"""The example sets by name."""

__all__ = ["EXAMPLES", "Example"]
