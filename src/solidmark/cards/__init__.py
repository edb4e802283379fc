"""The cards: what everybody must know of each thing with a name, written once. No torch."""

from solidmark.cards.card import Card
from solidmark.cards.distances import DISTANCES, OF_DRAWS
from solidmark.cards.embedders import EMBEDDERS
from solidmark.cards.invmm import INVMM
from solidmark.cards.mitigations import MITIGATIONS
from solidmark.cards.option import Option, Range
from solidmark.cards.perturbations import PERTURBATIONS
from solidmark.cards.readers import READERS
from solidmark.cards.signals import PROVENANCE, SIGNALS, USUAL_SIGNALS
from solidmark.cards.studies import STUDIES

MEASURES = {**DISTANCES, **EMBEDDERS, **OF_DRAWS, **SIGNALS, **INVMM}
"""Whatever a page says of numbers of its own."""


def briefly(cards: dict[str, Card]) -> str:
    """Names and what they are, for a help text.

    Example:
        >>> briefly(MITIGATIONS)[:61]
        'gni (noise on their embedding, strength 0.1), rt (random toke'
    """
    return ", ".join(f"{card.name} ({card.brief})" for card in cards.values())


def title_of(name: str) -> str:
    """What a page calls a measure; one that has no card keeps its name."""
    card = MEASURES.get(name)
    return card.title if card else name


def asks_of(name: str) -> str:
    """What a measure asks, whatever file or folder is named with it; nothing without a card."""
    card = MEASURES.get(name.split(":")[0])
    return card.asks if card else ""


__all__ = [
    "DISTANCES",
    "EMBEDDERS",
    "MEASURES",
    "MITIGATIONS",
    "PERTURBATIONS",
    "PROVENANCE",
    "READERS",
    "SIGNALS",
    "STUDIES",
    "USUAL_SIGNALS",
    "Card",
    "Option",
    "Range",
    "asks_of",
    "briefly",
    "title_of",
]
