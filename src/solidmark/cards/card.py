"""A card for each thing with a name: what it asks, what its numbers mean, what it can be told."""

from dataclasses import dataclass
from typing import Literal

from solidmark.cards.option import Option

Direction = Literal["low", "high"]


@dataclass(frozen=True)
class Card:
    """What everybody must know of a reader, a distance, a signal, an embedder, a mitigation
    or a perturbation.

    The options of the command line, the titles of the pages and the tables of the documents are
    made from it.

    Arguments:
        name: As users write it and as it stands in tables.
        title: On a page.
        asks: What it asks, and what it is blind to, in sentences.
        brief: The same in a few words, for a help text.
        how: What it does, for somebody who has not read the paper.
        unit: The unit of its values.
        direction: Which side means close or memorized: `low` or `high`.
        paper: Where it comes from, and what of it is ours.
        needs: What a model must have, or what must be named with it.
        calls: The network calls of one image, in words.
        per: Whether it has a value for each image, or for each prompt, which images may share.
        draws: Whether it lets the model draw.
        on_request: Whether it is left out where nobody names it, as it costs many times the others.
        spelled: How a command line names it, where that is more than the name: `sscd:FILE`.
        thresholds: Those of the literature, on the scale that is reported.
        options: What it can be told.
    """

    name: str
    title: str
    asks: str = ""
    brief: str = ""
    how: str = ""
    unit: str = ""
    direction: Direction = "low"
    paper: str = ""
    needs: str = ""
    calls: str = ""
    per: Literal["image", "prompt"] = "image"
    draws: bool = False
    on_request: bool = False
    spelled: str = ""
    thresholds: tuple[float, ...] = ()
    options: tuple[Option, ...] = ()


def by_name(*cards: Card) -> dict[str, Card]:
    """The cards of one kind, in their order."""
    return {card.name: card for card in cards}
