"""The gallery: the images that look most memorized, and the held-out ones that look so by luck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from solidmark.report import words
from solidmark.report.folder import Audit
from solidmark.report.frames import painted
from solidmark.report.gaps import gap_bars, hits
from solidmark.report.numbers import p_number, plain
from solidmark.report.paths import Scale, average, common_scale, compared, energy_path
from solidmark.report.pictures import Picture, embed
from solidmark.report.strips import energy_curves, key_bars
from solidmark.scores.own_key import Name, OwnKey, own_keys
from solidmark.scores.scored import Score

COMPARED = 6
"""So many held-out images stand below the gallery."""


@dataclass(frozen=True)
class Reading:
    """What one reader read for one image, as it stands on a card.

    Arguments:
        title: The reader.
        distance: With its words.
        p_value: The same.
        q_value: The same.
        named: Whether this reader names the image.
        bits: The exposure.
        keys: The key bars.
        hits: How many of several keys were read well, and how many are by luck.
        gaps: The bars of the differences of several keys.
        energy: The energy curve, where there is one.
        path: The log energy by step, where there is one.
        left: What is left of the energy at the last step, and of that of held-out images.
        near: Where the own key stands among the keys of all images; None when nothing was read.
    """

    title: str
    distance: str
    p_value: str
    q_value: str
    named: bool
    bits: str
    hits: str
    keys: Markup
    gaps: Markup
    energy: Markup
    path: Markup
    left: str
    near: OwnKey | None


@dataclass(frozen=True)
class Card:
    """One image of the gallery.

    Arguments:
        rank: Its place, from 1.
        id: The image's id.
        caption: Its caption, where known.
        label: Its class, where known.
        group: Its group, where known.
        named: Whether its q is at most the chosen false-discovery rate.
        marked: The marked image.
        painted: The same image, its mark in the keys that the first reader read.
        drawn: What the model drew for it, where a reader lets it draw.
        artist: The reader that let it draw.
        readings: One a reader, the reader that ranks first.
    """

    rank: int
    id: str
    caption: str
    label: str
    group: str
    named: bool
    marked: Picture | None
    painted: Picture | None
    drawn: Picture | None
    artist: str
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
        compared: How many different keys the run has.
        painted: Whether a card shows a mark as it was read.
        curves: Whether a card shows an energy curve.
        paths: Whether a card shows a path of energies.
    """

    reader: str
    trained: tuple[Card, ...]
    held_out: tuple[Card, ...]
    count: int
    repeats: int
    keys: int
    compared: int
    painted: bool
    curves: bool
    paths: bool


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
    splits = ("trained", "held_out")
    scores = {s.name: s for s in audit.scores if s.id in ids and s.split in splits}
    near = own_keys(audit.scores, list(scores.values()))
    means = {reader: _held_out_path(audit, reader) for reader in audit.readers}
    shown = _Shown(audit, scores, near, _scales(audit, scores, means), means)
    cards = {
        split: tuple(
            _card(shown, score, place, facts.get(score.id, {}), images)
            for place, score in enumerate(some, 1)
        )
        for split, some in chosen.items()
    }
    every = audit.of(reader, "trained")
    flat = [card for some in cards.values() for card in some]
    readings = [reading for card in flat for reading in card.readings]
    return Gallery(
        reader=words.reader(reader).title,
        trained=cards["trained"],
        held_out=cards["held_out"],
        count=len(ranked["trained"]),
        repeats=len({score.repeat for score in every}),
        keys=len(every[0].key),
        compared=max((found.of for found in near.values()), default=0),
        painted=any(card.painted for card in flat),
        curves=any(reading.energy for reading in readings),
        paths=any(reading.path for reading in readings),
    )


@dataclass(frozen=True)
class _Shown:
    """The rows of all cards, and what needs all of them."""

    audit: Audit
    scores: Mapping[Name, Score]
    near: Mapping[Name, OwnKey]
    scales: Mapping[str, Scale]
    means: Mapping[str, Sequence[float]]

    def names(self, score: Score) -> bool:
        """Whether the reader of a row names its image."""
        return score.reader in self.audit.verdict.naming and score.is_named(self.audit.fdr)


def _held_out_path(audit: Audit, reader: str) -> list[float]:
    """The falls of the held-out images on average, by step; empty where there are none."""
    names = (score.name for score in audit.of(reader, "held_out"))
    return average(audit.answers[name].path for name in names if name in audit.answers)


def _scales(
    audit: Audit, scores: Mapping[Name, Score], means: Mapping[str, Sequence[float]]
) -> dict[str, Scale]:
    """One scale a reader for the paths of all cards, so that they can be compared."""
    paths: dict[str, list[Sequence[float]]] = {}
    for name, score in scores.items():
        if (answer := audit.answers.get(name)) is not None:
            paths.setdefault(score.reader, []).extend([answer.path, means[score.reader]])
    return {reader: common_scale(some) for reader, some in paths.items()}


def _first(scores: Sequence[Score]) -> list[Score]:
    """The first reading of each image, ranked. The best of several would be lucky by choice."""
    first: dict[str, Score] = {}
    for score in sorted(scores, key=lambda score: score.repeat):
        first.setdefault(score.id, score)
    return sorted(first.values(), key=lambda score: score.rank)


def _card(
    shown: _Shown,
    score: Score,
    place: int,
    facts: dict[str, str],
    images: bool,
) -> Card:
    audit = shown.audit
    order = sorted(audit.readers, key=lambda name: name != score.reader)
    names = [(reader, score.split, score.id, score.repeat) for reader in order]
    marked = frame = drawn = None
    artist = next((name for name in order if name in words.DRAWING), "")
    if images:
        if audit.marked.folder is not None:
            marked = embed(audit.marked.folder, audit.marked.files.get(score.id))
        answer = audit.answers.get((artist, score.split, score.id, score.repeat))
        drawn = embed(audit.folder, answer.picture) if answer else None
        # What Outpaint drew is the frame that Outpaint read.
        if score.reader != "outpaint" or drawn is None:
            frame = painted(audit.marked, score.id, score.key_read)
    return Card(
        rank=place,
        id=score.id,
        caption=facts.get("caption", ""),
        label=facts.get("class", ""),
        group=score.group or "",
        named=shown.names(score),
        marked=marked,
        painted=frame,
        drawn=drawn,
        artist=words.reader(artist).title,
        readings=tuple(_reading(shown, shown.scores[n]) for n in names if n in shown.scores),
    )


def _reading(shown: _Shown, score: Score) -> Reading:
    answer = shown.audit.answers.get(score.name)
    curve = path = Markup("")
    left = ""
    if answer is not None:
        curve = energy_curves(answer.candidates, answer.energies, score.key, score.key_read)
        mean = shown.means[score.reader]
        path = energy_path(answer.path, mean, shown.scales[score.reader])
        if path:
            left = compared(answer.path, mean)
    return Reading(
        title=words.reader(score.reader).title,
        distance="failed" if score.distance is None else plain(score.distance, 3),
        p_value=_short(score.p_value),
        q_value=_short(score.q_value),
        named=shown.names(score),
        bits="–" if score.exposure_bits is None else plain(score.exposure_bits, 1),
        hits=hits(score.key, score.key_read),
        keys=key_bars(score.key, score.key_read),
        gaps=gap_bars(score.key, score.key_read),
        energy=curve,
        path=path,
        left=left,
        near=shown.near.get(score.name),
    )


def _short(value: float | None) -> str:
    return "–" if value is None else p_number(value)
