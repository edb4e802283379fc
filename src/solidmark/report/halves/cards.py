"""The gallery: images beside the best drawing of their hidden half, the most suspicious first."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from solidmark.report.halves.run import Box, HalvesRun
from solidmark.report.numbers import p_and_q
from solidmark.report.pairs.cards import COMPARED, Reading, digits, flags_of, most_suspicious
from solidmark.report.pairs.run import LARGEST, Row, rows_of
from solidmark.report.pictures import Picture, encode, open_picture


@dataclass(frozen=True)
class Outline:
    """Where the hidden half lies in a picture, in pixels of the image as it was asked about.

    Arguments:
        width: Of the picture.
        height: The same.
        left: Where the hidden half begins, from the left of the picture.
        top: The same, from the top.
        across: The width of the hidden half.
        down: Its height.
    """

    width: int
    height: int
    left: int
    top: int
    across: int
    down: int


@dataclass(frozen=True)
class Card:
    """An image, and the best of its drawings.

    Arguments:
        rank: Its place, from 1.
        id: The image's id.
        caption: Its caption, where known; empty on a page without pictures.
        label: The same of its class.
        truth: The image; None on a page without pictures.
        drawn: The best drawing; None on a page without pictures.
        draws: How many drawings count.
        flags: What must be known of it.
        readings: What each measure says of it.
    """

    rank: int
    id: str
    caption: str
    label: str
    truth: Picture | None
    drawn: Picture | None
    draws: int
    flags: tuple[str, ...]
    readings: tuple[Reading, ...]

    @property
    def named(self) -> bool:
        return any(reading.named for reading in self.readings)


@dataclass(frozen=True)
class Gallery:
    """All cards of a page.

    Arguments:
        trained: The most suspicious images: named by the most measures, then of the lowest q.
        held_out: Those that are inpainted best by luck.
        count: How many trained images there are to rank.
        named: How many of them any measure names.
        outline: Where the hidden half lies; None where the run does not say.
    """

    trained: tuple[Card, ...]
    held_out: tuple[Card, ...]
    count: int
    named: int
    outline: Outline | None


def gallery(halves: HalvesRun, images: bool, top: int) -> Gallery:
    """Ranks the images.

    Arguments:
        halves: The run.
        images: Whether pictures and captions may stand on the page.
        top: How many trained images are shown.
    """
    trained, held_out = (_by_id(halves, split) for split in ("trained", "held_out"))
    fdr = halves.run.fdr
    ranked = most_suspicious(trained, fdr)
    lucky = most_suspicious(held_out, fdr)[:COMPARED]
    shown = ranked[:top]
    facts = halves.marked.describe([*shown, *lucky]) if images else {}

    def card(place: int, rows: Mapping[str, Row]) -> Card:
        return _card(halves, place, rows, facts, images)

    return Gallery(
        trained=tuple(card(place, trained[id]) for place, id in enumerate(shown, 1)),
        held_out=tuple(card(place, held_out[id]) for place, id in enumerate(lucky, 1)),
        count=len(trained),
        named=sum(any(row.is_named(fdr) for row in rows.values()) for rows in trained.values()),
        outline=_outline(halves.picture, halves.hidden),
    )


def _by_id(halves: HalvesRun, split: str) -> dict[str, dict[str, Row]]:
    """What every measure says of the images that were scored, each picture once."""
    found: dict[str, dict[str, Row]] = {}
    for measure in halves.run.measures:
        table = halves.run.scored(measure.name, split)
        for row in [] if table is None else rows_of(table, split):
            found.setdefault(row.id, {})[measure.name] = row
    return found


def _card(
    halves: HalvesRun,
    place: int,
    rows: Mapping[str, Row],
    facts: Mapping[str, Mapping[str, str]],
    images: bool,
) -> Card:
    row = next(iter(rows.values()))
    draws, drawn = halves.drawn.get((row.split, row.id), (0, None))
    about = facts.get(row.id, {})
    return Card(
        rank=place,
        id=row.id,
        caption=about.get("caption", ""),
        label=about.get("class", ""),
        truth=_truth(halves, row.id) if images else None,
        drawn=_drawn(halves, drawn) if images else None,
        draws=draws,
        flags=flags_of(halves.run, row, "the hidden half varies"),
        readings=tuple(
            _reading(measure.title, rows[measure.name], halves.run.fdr)
            for measure in halves.run.measures
            if measure.name in rows
        ),
    )


def _reading(title: str, row: Row, fdr: float) -> Reading:
    facts = [("distance", digits(row.distance)), *p_and_q(row.p_value, row.q_value)]
    return Reading(title, tuple(facts), row.is_named(fdr))


def _truth(halves: HalvesRun, id: str) -> Picture:
    folder, name = halves.marked.folder, halves.marked.files.get(id)
    return Picture() if folder is None or not name else _cut_out(halves, folder, name)


def _drawn(halves: HalvesRun, name: str | None) -> Picture:
    return _cut_out(halves, halves.run.folder, name) if name else Picture()


def _cut_out(halves: HalvesRun, folder: Path, name: str) -> Picture:
    """A picture without its frame; an empty one where it cannot be shown."""
    image = open_picture(folder, name)
    if image is None:
        return Picture()
    return encode(image if halves.picture is None else image.crop(halves.picture), LARGEST)


def _outline(picture: Box | None, hidden: Box | None) -> Outline | None:
    if picture is None or hidden is None:
        return None
    left, top, right, bottom = picture
    return Outline(
        width=right - left,
        height=bottom - top,
        left=hidden[0] - left,
        top=hidden[1] - top,
        across=hidden[2] - hidden[0],
        down=hidden[3] - hidden[1],
    )
