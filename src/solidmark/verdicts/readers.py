"""The readers of keys, as the judge and the pages call them."""

from solidmark.cards import READERS, Card

ORDER = tuple(READERS)
"""The default reader of a pattern comes first."""

DRAWING = tuple(name for name, card in READERS.items() if card.draws)
"""The readers that let the model draw."""

KNOWING = ("energy", "blend", "fitted", "gradient", "linear")
"""Those that ask whether the model knows a picture in its frame, and draw nothing."""


def reader(name: str) -> Card:
    """The card of a reader; a reader that has none keeps its name."""
    return READERS.get(name) or Card(name, name, f'A reader called "{name}".')
