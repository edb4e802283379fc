"""A card for each thing with a name, and everything else made from it."""

from collections.abc import Callable, Mapping
from dataclasses import fields
from pathlib import Path

import pytest

from solidmark import cards, embed, mitigations, neighbours, perturbations, readers
from solidmark.cards import Card
from solidmark.measures.signals.kinds import SIGNALS

DOCS = Path(__file__).parents[2] / "docs"


def _row(*cells: str) -> str:
    return f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"


def _reader(card: Card) -> str:
    name = f"`{card.name}` ({card.brief})"
    return _row(name, card.asks, card.calls, "yes" if card.draws else "none")


def _signal(card: Card) -> str:
    return _row(f"`{card.name}`", card.how, card.direction, card.calls, card.needs, card.paper)


def _distance(card: Card) -> str:
    return _row(f"`{card.spelled or card.name}`", card.how, card.direction, card.asks)


def _perturbation(card: Card) -> str:
    spelled = ":".join([card.name, *(f"{one.default:g}" for one in card.options)])
    allowed = ", ".join(one.range.words for one in card.options if one.range)
    return _row(f"`{spelled}`", card.how, card.unit, allowed, card.paper)


def _study(card: Card) -> str:
    return _row(f"[{card.name}](studies/{card.name}.md)", card.asks, card.paper)


TABLES: list[tuple[str, Mapping[str, Card], Callable[[Card], str]]] = [
    ("readers.md", cards.PERTURBATIONS, _perturbation),
    ("readers.md", cards.READERS, _reader),
    ("signals.md", cards.SIGNALS, _signal),
    ("studies.md", cards.STUDIES, _study),
    ("nearest.md", {**cards.DISTANCES, **cards.EMBEDDERS}, _distance),
]
"""The documents, the cards that one of their tables shows, and its row of each."""


@pytest.mark.parametrize(("document", "found", "row"), TABLES)
def test_a_table_of_the_documents_says_what_the_cards_say(
    document: str, found: Mapping[str, Card], row: Callable[[Card], str]
) -> None:
    table = "\n".join(map(row, found.values()))
    assert table in (DOCS / document).read_text(encoding="utf-8"), f"It must hold:\n{table}"


@pytest.mark.parametrize(
    ("found", "things"),
    [
        (cards.READERS, readers.READERS),
        (cards.SIGNALS, SIGNALS),
        (cards.DISTANCES, neighbours.PIXEL_DISTANCES),
        (cards.EMBEDDERS, embed.EMBEDDERS),
        (cards.MITIGATIONS, mitigations.MITIGATIONS),
        (cards.PERTURBATIONS, perturbations.PERTURBATIONS),
    ],
)
def test_each_thing_with_a_name_has_a_card(
    found: Mapping[str, Card], things: Mapping[str, object]
) -> None:
    assert set(found) == set(things)
    assert all(name == card.name and card.title for name, card in found.items())


def test_the_options_of_a_card_are_the_fields_of_its_thing() -> None:
    things = {**readers.READERS, **SIGNALS, **perturbations.PERTURBATIONS}
    for name, card in {**cards.READERS, **cards.SIGNALS, **cards.PERTURBATIONS}.items():
        told = {option.name: option.default for option in card.options}
        offered = {field.name: field.default for field in fields(things[name])}
        assert told == {field: offered[field] for field in told}, name
        assert name in SIGNALS or set(told) == set(offered), "all its options"


def test_the_options_of_a_distance_are_what_it_is_made_from() -> None:
    for name, make in neighbours.PIXEL_DISTANCES.items():
        told = {option.name: option.default for option in cards.DISTANCES[name].options}
        assert make(**told) == make()


def test_default_options_are_in_their_range() -> None:
    for card in (
        *cards.READERS.values(),
        *cards.MEASURES.values(),
        *cards.PERTURBATIONS.values(),
    ):
        for option in card.options:
            assert option.range is None or option.range.holds(option.default)
            assert not option.choices or option.default in option.choices


def test_what_has_no_card_keeps_its_name() -> None:
    assert cards.title_of("mine") == "mine"
    assert cards.asks_of("mine") == ""
    assert cards.asks_of("sscd:FILE") == cards.EMBEDDERS["sscd"].asks
