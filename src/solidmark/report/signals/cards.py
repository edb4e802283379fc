"""The gallery: the most suspicious images, with what each signal says of them."""

from collections.abc import Mapping
from dataclasses import dataclass

from solidmark.report.numbers import p_and_q
from solidmark.report.pairs.cards import COMPARED, Reading, digits, flags_of, most_suspicious
from solidmark.report.pairs.run import LARGEST, Row, rows_of
from solidmark.report.pairs.words import Measure
from solidmark.report.pictures import Picture, embed
from solidmark.report.signals.run import SignalsRun


@dataclass(frozen=True)
class Card:
    """An image.

    Arguments:
        rank: Its place, from 1.
        id: The image's id.
        caption: Its caption, where known; empty on a page without pictures.
        label: The same of its class.
        picture: The image; None on a page without pictures.
        flags: What must be known of it.
        readings: What each signal says of it.
    """

    rank: int
    id: str
    caption: str
    label: str
    picture: Picture | None
    flags: tuple[str, ...]
    readings: tuple[Reading, ...]

    @property
    def named(self) -> bool:
        return any(reading.named for reading in self.readings)


@dataclass(frozen=True)
class Gallery:
    """All cards of a page.

    Arguments:
        trained: The most suspicious images: named by the most signals, then of the lowest q.
        held_out: Those that are most suspicious by luck.
        count: How many trained pictures there are to rank.
        named: How many of them any signal names.
    """

    trained: tuple[Card, ...]
    held_out: tuple[Card, ...]
    count: int
    named: int


def gallery(signals: SignalsRun, images: bool, top: int) -> Gallery:
    """Ranks the images.

    Arguments:
        signals: The run.
        images: Whether pictures and captions may stand on the page.
        top: How many trained images are shown.
    """
    trained, held_out = (_by_id(signals, split) for split in ("trained", "held_out"))
    fdr = signals.run.fdr
    ranked = most_suspicious(trained, fdr)
    lucky = most_suspicious(held_out, fdr)[:COMPARED]

    def card(place: int, id: str, rows: Mapping[str, Row]) -> Card:
        return _card(signals, place, id, rows, images)

    return Gallery(
        tuple(card(place, id, trained[id]) for place, id in enumerate(ranked[:top], 1)),
        tuple(card(place, id, held_out[id]) for place, id in enumerate(lucky, 1)),
        len(trained),
        sum(any(row.is_named(fdr) for row in rows.values()) for rows in trained.values()),
    )


def _by_id(signals: SignalsRun, split: str) -> dict[str, dict[str, Row]]:
    """What every signal says of the pictures, each once: of copies the first is shown."""
    of_images = [one.name for one in signals.measures if not signals.of_prompts(one.name)]
    shown: set[str] = set()
    for name in of_images or [one.name for one in signals.measures]:
        table = signals.run.scored(name, split)
        shown |= set() if table is None else set(table["id"].to_pylist())
    found: dict[str, dict[str, Row]] = {}
    for measure in signals.measures:
        table = signals.run.scored(measure.name, split, copies=True)
        for row in [] if table is None else rows_of(table, split):
            if row.id in shown:
                found.setdefault(row.id, {})[measure.name] = row
    return found


def _card(signals: SignalsRun, place: int, id: str, rows: Mapping[str, Row], images: bool) -> Card:
    row = next(iter(rows.values()))
    of_images = not signals.of_prompts(signals.measures[0].name)
    about = signals.pictures.get(row.split, {}).get(id, {}) if images else {}
    shown = embed(signals.run.folder, about.get("picture"), LARGEST) if images else None
    return Card(
        rank=place,
        id=id,
        caption=str(about.get("caption", "")),
        label=str(about.get("class", "")),
        picture=(shown or Picture()) if images else None,
        flags=flags_of(signals.run, row, copies=of_images),
        readings=tuple(
            _reading(measure, rows[measure.name], signals.run.fdr)
            for measure in signals.measures
            if measure.name in rows
        ),
    )


def _reading(measure: Measure, row: Row, fdr: float) -> Reading:
    value = None if row.distance is None else measure.reported(row.distance)
    facts = [("value", digits(value)), *p_and_q(row.p_value, row.q_value)]
    return Reading(measure.title, tuple(facts), row.is_named(fdr))
