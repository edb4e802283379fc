"""The gallery: images beside what the noise that was found for them gives."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from solidmark.report.inversions.course import Scale, common_scale, course
from solidmark.report.inversions.facts import InversionFacts
from solidmark.report.inversions.outcomes import of_needed, outcome, shown
from solidmark.report.inversions.records import Check, Row, Try
from solidmark.report.inversions.run import InversionsRun
from solidmark.report.numbers import p_and_q, plain, short
from solidmark.report.pictures import Picture, embed

COMPARED = 10
"""So many held-out images stand below the trained ones."""

ORIGINAL, SAMPLE = 144, 96
"""The longer sides of the image and of its samples, in pixels."""


@dataclass(frozen=True)
class Card:
    """An image, and what came of the search for it.

    Arguments:
        rank: Its place among those of its split, from 1.
        split: Its split.
        id: Its id.
        caption: Its caption, where known; empty on a page without pictures.
        label: The same of its class.
        prompt: The words that the search found; empty where it was given the caption, and on a
            page without pictures.
        truth: The image; None on a page without pictures.
        drawn: What the noise that was found for it gives, at the check that says the most.
        outcome: What came of it, as a sentence.
        is_reproduced: Whether it was reproduced.
        facts: Names and values.
        course: The path of the search.
        flags: What must be known of it.
        named: Whether it is named.
    """

    rank: int
    split: str
    id: str
    caption: str
    label: str
    prompt: str
    truth: Picture | None
    drawn: tuple[Picture, ...]
    outcome: str
    is_reproduced: bool
    facts: tuple[tuple[str, str], ...]
    course: Markup
    flags: tuple[str, ...]
    named: bool


@dataclass(frozen=True)
class Gallery:
    """All cards of a page.

    Arguments:
        trained: The most suspicious images, the lowest score first.
        held_out: The held-out images of the lowest scores: so much comes by chance.
        count: How many trained images there are to rank.
        compared: The same of held-out images.
        named: How many trained images are named.
        chance: What the held-out images reached, in a few words.
        prompts: Whether any card tells a prompt that was found.
        courses: Whether any card draws the path of its search.
    """

    trained: tuple[Card, ...]
    held_out: tuple[Card, ...]
    count: int
    compared: int
    named: int
    chance: str
    prompts: bool
    courses: bool


def gallery(run: InversionsRun, images: bool, top: int, compared: int = COMPARED) -> Gallery:
    """Ranks the images.

    Arguments:
        run: The run.
        images: Whether pictures, captions and prompts may stand on the page.
        top: How many trained images are shown.
        compared: How many held-out ones.
    """
    facts = InversionFacts(run)
    trained, held_out = (facts.scored(split) for split in ("trained", "held_out"))
    shown = [*trained[:top], *held_out[:compared]]
    scale = common_scale([_path(run, row) for row in shown], run.needed)
    about = run.marked.describe([row.id for row in shown]) if images else {}

    def cards(rows: Sequence[Row]) -> tuple[Card, ...]:
        return tuple(
            _card(facts, row, place, scale, about.get(row.id, {}), images)
            for place, row in enumerate(rows, 1)
        )

    first, second = cards(trained[:top]), cards(held_out[:compared])
    return Gallery(
        trained=first,
        held_out=second,
        count=len(trained),
        compared=len(held_out),
        named=sum(row.is_named(run.fdr) for row in trained),
        chance=chance(facts),
        prompts=any(card.prompt for card in (*first, *second)),
        courses=any(card.course for card in (*first, *second)),
    )


def chance(facts: InversionFacts) -> str:
    """What held-out images reached, in a few words."""
    if not facts.m:
        return "not known"
    kls = facts.kls("held_out")
    if not kls:
        return f"none of {facts.m:,}"
    return f"{short(kls[0])} at best ({len(kls):,} of {facts.m:,})"


def _card(
    facts: InversionFacts,
    row: Row,
    place: int,
    scale: Scale,
    about: Mapping[str, str],
    images: bool,
) -> Card:
    run, one = facts.run, facts.run.best(row.name)
    flags = [text for text in (shown(row, one), row.note) if text]
    times = 1 + sum(other.copy_of == row.id and other.split == row.split for other in run.rows)
    if times > 1:
        flags.append(f"{times} times in the data")
    return Card(
        rank=place,
        split=row.split,
        id=row.id,
        caption=one.caption if one is not None and images else "",
        label=about.get("class", ""),
        prompt=one.words if one is not None and images else "",
        truth=_picture(run, one.original if one else None, ORIGINAL) if images else None,
        drawn=tuple(
            _picture(run, name, SAMPLE)
            for name in (one.drawn if one is not None and images else ())
        ),
        outcome=outcome(run, row, one),
        is_reproduced=row.status == "reproduced",
        facts=tuple(_facts(facts, row, one)),
        course=course(_path(run, row), scale, row.split),
        flags=tuple(flags),
        named=row.is_named(run.fdr),
    )


def _facts(facts: InversionFacts, row: Row, one: Try | None) -> list[tuple[str, str]]:
    found = []
    if row.kl is not None:
        found.append(("KL of held-out", chance(facts)))
    elif one is not None and one.kl_end is not None:
        found.append(("KL at the end", short(one.kl_end)))
    if row.kl is not None and one is not None and one.best_similarity is not None:
        found.append(("least alike", f"{plain(one.best_similarity, 3)}{of_needed(facts.run)}"))
    if row.score is not None:
        found.append(("score", plain(row.score, 3)))
    found += p_and_q(row.p_value, row.q_value)
    found.append(("calls", f"{row.network_calls:,.0f}"))
    return found


def _path(run: InversionsRun, row: Row) -> Sequence[Check]:
    one = run.best(row.name)
    return () if one is None else run.paths.get((row.split, row.id, one.repeat), ())


def _picture(run: InversionsRun, name: str | None, largest: int) -> Picture:
    return embed(run.folder, name, largest) or Picture()
