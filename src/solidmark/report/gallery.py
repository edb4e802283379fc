"""The gallery: the images that look most memorized, and the held-out ones that look so by luck."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from solidmark.report import words
from solidmark.report.folder import Audit, Score
from solidmark.report.numbers import plain, short
from solidmark.report.pictures import Picture, embed
from solidmark.report.strips import energy_curves, key_bars

COMPARED = 6
"""So many held-out images stand below the gallery."""

MATCHED = 0.05
"""q at most this: the image can be named."""


@dataclass(frozen=True)
class Reading:
    """What one reader read for one image, as it stands on a card.

    Arguments:
        title: The reader.
        distance: With its words.
        p_value: The same.
        q_value: The same.
        bits: The exposure.
        keys: The key bars.
        energy: The energy curve, where there is one.
    """

    title: str
    distance: str
    p_value: str
    q_value: str
    bits: str
    keys: Markup
    energy: Markup


@dataclass(frozen=True)
class Card:
    """One image of the gallery.

    Arguments:
        rank: Its place, from 1.
        id: The image's id.
        caption: Its caption, where known.
        label: Its class, where known.
        group: Its group, where known.
        named: Whether its q is at most 0.05.
        marked: The marked image.
        drawn: What Outpaint drew for it.
        readings: One a reader, the reader that ranks first.
    """

    rank: int
    id: str
    caption: str
    label: str
    group: str
    named: bool
    marked: Picture | None
    drawn: Picture | None
    readings: tuple[Reading, ...]


@dataclass(frozen=True)
class Gallery:
    """The cards of a run.

    Arguments:
        reader: The reader that ranks.
        trained: The most memorized first.
        held_out: The lowest p of the control, by luck.
        count: How many trained images there are to rank.
        repeats: How many readings an image has; the cards show the first.
        keys: How many values a key has.
    """

    reader: str
    trained: tuple[Card, ...]
    held_out: tuple[Card, ...]
    count: int
    repeats: int
    keys: int


def build_gallery(audit: Audit, images: bool, top: int) -> Gallery | None:
    """Ranks the images by the first reader that scored any, lowest p first, then distance.

    Arguments:
        audit: The audit.
        images: Whether pictures and captions may stand on the page.
        top: How many trained images are shown.
    """
    reader = next((name for name in audit.readers if audit.of(name, "trained")), None)
    if reader is None:
        return None
    ranked = {split: _first(audit.of(reader, split)) for split in ("trained", "held_out")}
    chosen = {"trained": ranked["trained"][:top], "held_out": ranked["held_out"][:COMPARED]}
    ids = {score.id for scores in chosen.values() for score in scores}
    facts = audit.marked.describe(ids) if images else {}
    scores = {score.name: score for score in audit.scores if score.id in ids}
    cards = {
        split: tuple(
            _card(audit, scores, score, place, facts.get(score.id, {}), images)
            for place, score in enumerate(some, 1)
        )
        for split, some in chosen.items()
    }
    every = audit.of(reader, "trained")
    repeats = len({score.repeat for score in every})
    keys = len(every[0].key)
    return Gallery(
        words.reader(reader).title,
        cards["trained"],
        cards["held_out"],
        len(ranked["trained"]),
        repeats,
        keys,
    )


def _first(scores: Sequence[Score]) -> list[Score]:
    """The first reading of each image, ranked. The best of several would be lucky by choice."""
    first: dict[str, Score] = {}
    for score in sorted(scores, key=lambda score: score.repeat):
        first.setdefault(score.id, score)
    return sorted(first.values(), key=lambda score: score.rank)


def _card(
    audit: Audit,
    scores: dict[tuple[str, str, str, int], Score],
    score: Score,
    place: int,
    facts: dict[str, str],
    images: bool,
) -> Card:
    order = sorted(audit.readers, key=lambda name: name != score.reader)
    names = [(reader, score.split, score.id, score.repeat) for reader in order]
    marked = drawn = None
    if images:
        if audit.marked.folder is not None:
            marked = embed(audit.marked.folder, audit.marked.files.get(score.id))
        answer = audit.answers.get(("outpaint", score.split, score.id, score.repeat))
        drawn = embed(audit.folder, answer.picture) if answer else None
    return Card(
        rank=place,
        id=score.id,
        caption=facts.get("caption", ""),
        label=facts.get("class", ""),
        group=score.group or "",
        named=score.q_value is not None and score.q_value <= MATCHED,
        marked=marked,
        drawn=drawn,
        readings=tuple(_reading(audit, scores[name]) for name in names if name in scores),
    )


def _reading(audit: Audit, score: Score) -> Reading:
    answer = audit.answers.get(score.name)
    curve = Markup("")
    if answer is not None:
        curve = energy_curves(answer.candidates, answer.energies, score.key, score.key_read)
    return Reading(
        title=words.reader(score.reader).title,
        distance="failed" if score.distance is None else plain(score.distance, 3),
        p_value=_short(score.p_value),
        q_value=_short(score.q_value),
        bits="–" if score.exposure_bits is None else plain(score.exposure_bits, 1),
        keys=key_bars(score.key, score.key_read),
        energy=curve,
    )


def _short(value: float | None) -> str:
    return "–" if value is None else short(value)
