"""Pairs of pictures: an image and its nearest on the other side, the closest first."""

from collections.abc import Sequence
from dataclasses import dataclass

from solidmark.report.numbers import short
from solidmark.report.pairs.run import SIDES, NearestRun, Row
from solidmark.report.pairs.words import Measure
from solidmark.report.pictures import Picture

COMPARED = 10
"""So many pairs of the null stand below those of the generations."""

CALLED = {"generated": "generation", "training": "training image", "held_out": "held-out image"}
"""What an image of each side is called."""


@dataclass(frozen=True)
class Side:
    """One of the two images of a pair.

    Arguments:
        what: What it is.
        id: Its id.
        picture: The picture; None on a page without pictures.
    """

    what: str
    id: str
    picture: Picture | None


@dataclass(frozen=True)
class Reading:
    """What one measure says of a pair.

    Arguments:
        title: The measure; empty where the section says it.
        facts: Names and values.
        named: Whether the image is named by it.
        other: The nearest by this measure, where it is another one than the pair shows.
    """

    title: str
    facts: tuple[tuple[str, str], ...]
    named: bool
    other: str = ""


@dataclass(frozen=True)
class Pair:
    """A card.

    Arguments:
        rank: Its place, from 1.
        sides: The image that is asked about, and its nearest.
        caption: The caption of the first; empty on a page without pictures.
        flags: What must be known of it.
        readings: One a measure.
    """

    rank: int
    sides: tuple[Side, Side]
    caption: str
    flags: tuple[str, ...]
    readings: tuple[Reading, ...]

    @property
    def named(self) -> bool:
        return any(reading.named for reading in self.readings)


@dataclass(frozen=True)
class Ranked:
    """The closest pairs by one measure.

    Arguments:
        measure: The measure.
        pairs: Generations and their nearest training images.
        null: The closest of the null, for comparison.
        count: How many generations there are to rank.
        named: How many of them are named.
    """

    measure: Measure
    pairs: tuple[Pair, ...]
    null: tuple[Pair, ...]
    count: int
    named: int


def ranked(run: NearestRun, images: bool, top: int) -> list[Ranked]:
    """The closest pairs of every measure.

    Arguments:
        run: The run.
        images: Whether pictures and captions may stand on the page.
        top: How many pairs of each measure are shown.
    """
    return [
        Ranked(
            measure,
            pairs_of(run, measure, run.closest(measure.name, "generated", top), images),
            pairs_of(run, measure, run.closest(measure.name, "null", COMPARED), images),
            run.count(measure.name, "generated"),
            int((run.named_row(measure.name, "generated") or {}).get("count") or 0),
        )
        for measure in run.measures
    ]


def pairs_of(
    run: NearestRun, measure: Measure, rows: Sequence[Row], images: bool
) -> tuple[Pair, ...]:
    """The cards of rows of one measure."""
    return tuple(
        pair(run, row, place, images, (reading_of(measure, row, run.fdr),))
        for place, row in enumerate(rows, 1)
    )


def pair(
    run: NearestRun, row: Row, place: int, images: bool, readings: tuple[Reading, ...]
) -> Pair:
    """The card of a row.

    Arguments:
        run: The run.
        row: An image and its nearest.
        place: Its rank.
        images: Whether pictures and captions may stand on the page.
        readings: What the measures say of it.
    """
    first, second = SIDES[row.split]
    if run.null_is_training and first == "held_out":
        first = "training"
    sides = [
        Side(what, id, run.picture(where, id) if images else None)
        for what, where, id in (
            (CALLED[first], first, row.id),
            (CALLED[second], second, row.nearest),
        )
    ]
    flags = []
    if row.is_low_content:
        flags.append(f"low content: the pixels vary by {short(row.contrast or 0)}")
    times = run.times(row.split, row.id)
    if times > 1:
        flags.append(f"{times} times in the data")
    return Pair(place, (sides[0], sides[1]), row.caption if images else "", tuple(flags), readings)


def reading_of(measure: Measure, row: Row, fdr: float, title: str = "", shown: str = "") -> Reading:
    """What a measure says of a row.

    Arguments:
        measure: The measure.
        row: The row.
        fdr: The false-discovery rate at which rows are named.
        title: The name of the measure, where several stand on a card.
        shown: The id of the nearest image that the card shows; empty when it is this row's.
    """
    value = row.similarity if measure.is_similarity else row.distance
    facts = [(measure.scale, digits(value))]
    if row.raw is not None and not title:
        facts.append(("before rescaling", digits(row.raw)))
    if row.p_value is not None:
        facts.append(("p", short(row.p_value)))
    if row.q_value is not None:
        facts.append(("q", short(row.q_value)))
    other = row.nearest if shown and row.nearest != shown else ""
    return Reading(title, tuple(facts), row.is_named(fdr), other)


def digits(value: float | None) -> str:
    """A distance or a similarity, with three digits after the point; more where it is small."""
    if value is None:
        return "–"
    if abs(value) < 0.01:
        return short(value)
    return f"{value:.3f}".replace("-", "−")
