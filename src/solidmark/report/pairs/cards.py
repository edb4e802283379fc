"""Pairs of pictures: an image and its nearest on the other side, the closest first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from solidmark.report.numbers import p_and_q, short
from solidmark.report.pairs.run import SIDES, NearestRun, Row
from solidmark.report.pairs.words import Measure
from solidmark.report.pictures import Picture

COMPARED = 10
"""So many pairs of the null stand below those of the generations."""

CALLED = {"generated": "generation", "training": "training image", "held_out": "held-out image"}
"""What an image of each side is called."""


LOST = float("inf")
"""Ranks what has no number last."""


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
    caption = row.caption if images else ""
    return Pair(place, (sides[0], sides[1]), caption, flags_of(run, row), readings)


def flags_of(
    run: NearestRun, row: Row, what: str = "the pixels vary", *, copies: bool = True
) -> tuple[str, ...]:
    """What must be known of an image beside its numbers.

    Arguments:
        run: The run.
        row: The image.
        what: What its contrast was measured of.
        copies: Whether it is said how often the picture is there.
    """
    flags = []
    if row.is_low_content:
        flags.append(f"low content: {what} by {short(row.contrast or 0)}")
    times = run.times(row.split, row.id)
    if copies and times > 1:
        flags.append(f"{times} times in the data")
    return tuple(flags)


def most_suspicious(found: Mapping[str, Mapping[str, Row]], fdr: float) -> list[str]:
    """The ids of images, those that the most measures name first, then those of the lowest q.

    Among the others, the distance by the first measure decides, which is the one that is shown.

    Arguments:
        found: By id and measure, what the measures say of each; the first measure first.
        fdr: The false-discovery rate at which rows are named.
    """

    def place(id: str) -> tuple[int, float, float, str]:
        rows = list(found[id].values())
        named = sum(row.is_named(fdr) for row in rows)
        q = min(LOST if row.q_value is None else row.q_value for row in rows)
        first = rows[0].distance
        return -named, q, LOST if first is None else first, id

    return sorted(found, key=place)


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
    facts += p_and_q(row.p_value, row.q_value)
    other = row.nearest if shown and row.nearest != shown else ""
    return Reading(title, tuple(facts), row.is_named(fdr), other)


def digits(value: float | None) -> str:
    """A distance or a similarity, with three digits after the point; more where it is small."""
    if value is None:
        return "–"
    if abs(value) < 0.01:
        return short(value)
    return f"{value:.3f}".replace("-", "−")
