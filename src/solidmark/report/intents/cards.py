"""The cards of the board: a prompt, its generations, and what they show."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from solidmark.report.intents import words
from solidmark.report.intents.run import TYPES, IntentRun
from solidmark.report.numbers import percent, plain, short
from solidmark.report.pictures import Picture, embed
from solidmark.scores import clopper_pearson
from solidmark.scores.written import plural

SHOWN = 16
"""Generations of a card, at most."""

LARGEST = 112
"""The longer side of a generation in the page, in pixels."""

FEW = 12
"""Prompts without memory that are shown, at most."""


@dataclass(frozen=True)
class Bar:
    """A share, drawn.

    Arguments:
        what: Of which generations.
        count: How many show the feature.
        n: Of how many; 0 = there are none.
        own: Whether they are those of the prompt itself.
        note: What was found in comparison.
    """

    what: str
    count: int
    n: int
    own: bool = False
    note: str = ""

    @property
    def share(self) -> float:
        return self.count / self.n if self.n else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 %, Clopper-Pearson."""
        return clopper_pearson(self.count, self.n) if self.n else (0.0, 1.0)

    @property
    def said(self) -> str:
        return f"{percent(self.share)} ({self.count:,} of {self.n:,})" if self.n else "not drawn"


@dataclass(frozen=True)
class Shown:
    """A generation of a card.

    Arguments:
        picture: The picture.
        findings: The numbers of those that it shows; "shown" = the one; empty = none of them.
    """

    picture: Picture
    findings: str


@dataclass(frozen=True)
class Finding:
    """What a prompt brings, and why it is of its type.

    Arguments:
        number: Its place in its card; empty where it is alone.
        type: Its type.
        name: Of the feature.
        what: The kind of feature, and how many training images show it.
        original: A training picture of it; None on a page without pictures.
        expected: What the user's file says of it; empty = nothing.
        bars: Its frequency under the prompt, without each entity, and under unrelated prompts.
        facts: Names and numbers.
        why: The reason, in a sentence; empty on a page without prompts.
    """

    number: str
    type: str
    name: str
    what: str
    original: Picture | None
    expected: str
    bars: tuple[Bar, ...]
    facts: tuple[tuple[str, str], ...]
    why: str

    @property
    def label(self) -> str:
        return words.LABELS[self.type]

    @property
    def tone(self) -> str:
        return words.TONES[self.type]


@dataclass(frozen=True)
class Card:
    """A prompt with its findings of one type.

    Arguments:
        id: Of the prompt.
        text: Its parts, each with whether it is an entity; empty on a page without prompts.
        generations: Its pictures, those that show a finding first.
        drawn: How many generations there are.
        findings: Its findings.
    """

    id: str
    text: tuple[tuple[str, bool], ...]
    generations: tuple[Shown, ...]
    drawn: int
    findings: tuple[Finding, ...]


@dataclass(frozen=True)
class Section:
    """The prompts of one type.

    Arguments:
        type: The type.
        findings: How many findings it has.
        prompts: How many prompts have one.
        cards: Those that are shown.
    """

    type: str
    findings: int
    prompts: int
    cards: tuple[Card, ...]

    @property
    def anchor(self) -> str:
        return words.ANCHORS[self.type]


def board(run: IntentRun, images: bool, top: int) -> list[Section]:
    """All sections, in the order of `TYPES`.

    Arguments:
        run: The run.
        images: Whether pictures and words of prompts may stand on the page.
        top: How many prompts of each type are shown.
    """
    sections = []
    for type in TYPES:
        found = run.of(type)
        by_prompt: dict[str, list[Mapping[str, Any]]] = {}
        for row in found:
            by_prompt.setdefault(row["prompt"], []).append(row)
        most = min(top, FEW) if type == "not memorized" else top
        cards = [_card(run, id, rows, images) for id, rows in list(by_prompt.items())[:most]]
        sections.append(Section(type, len(found), len(by_prompt), tuple(cards)))
    return sections


def marked(text: str, entities: Sequence[str]) -> tuple[tuple[str, bool], ...]:
    """Cuts a text at its entities.

    Example:
        >>> marked("A rose, in Oslo", ["rose", "oslo"])
        (('A ', False), ('rose', True), (', in ', False), ('Oslo', True))
    """
    sought = [r"[\W_]+".join(map(re.escape, entity.split())) for entity in entities if entity]
    if not sought:
        return ((text, False),)
    longest = sorted(sought, key=len, reverse=True)
    cut = re.compile(rf"(?<![^\W_])({'|'.join(longest)})(?![^\W_])", re.IGNORECASE)
    parts = ((part, place % 2 == 1) for place, part in enumerate(cut.split(text)))
    return tuple(part for part in parts if part[0])


def shown_id(row: Mapping[str, Any], images: bool) -> str:
    """The id of a prompt; where it is the text, it must not stand on a page without prompts."""
    hidden = not images and row["prompt"] == row["text"]
    return "a prompt without an id" if hidden else str(row["prompt"])


def shown_name(row: Mapping[str, Any], images: bool) -> str:
    """The name of a feature; only ids of images may stand on a page without prompts."""
    if images or row["kind"] == "image":
        return str(row["name"])
    return "a class" if row["kind"] == "class" else "a phrase"


def _card(run: IntentRun, id: str, rows: Sequence[Mapping[str, Any]], images: bool) -> Card:
    several = len(rows) > 1
    numbers = {row["feature"]: str(n) if several else "" for n, row in enumerate(rows, 1)}
    about = run.prompts.get(id, {})
    drawn = run.drawn(id)
    return Card(
        id=shown_id(rows[0], images),
        text=marked(str(rows[0]["text"]), about.get("entities") or ()) if images else (),
        generations=_generations(run, drawn, numbers) if images else (),
        drawn=len(drawn),
        findings=tuple(_finding(run, row, numbers[row["feature"]], images) for row in rows),
    )


def _generations(
    run: IntentRun, drawn: Sequence[Mapping[str, Any]], numbers: Mapping[str, str]
) -> tuple[Shown, ...]:
    """The generations, those that show a finding of the card first."""
    shows = [[feature for feature in numbers if feature in row["features"]] for row in drawn]
    order = sorted(range(len(drawn)), key=lambda place: (not shows[place], place))
    return tuple(
        Shown(
            embed(run.folder, drawn[place]["picture"], LARGEST) or Picture(),
            " ".join(numbers[feature] or "shown" for feature in shows[place]),
        )
        for place in order[:SHOWN]
    )


def _finding(run: IntentRun, row: Mapping[str, Any], number: str, images: bool) -> Finding:
    about = run.features.get(row["feature"], {})
    original = row["original"] or about.get("original")
    return Finding(
        number=number,
        type=row["type"],
        name=shown_name(row, images),
        what=_what(row["kind"], len(about.get("images") or ())),
        original=(embed(run.folder, original, LARGEST) or Picture()) if images else None,
        expected=words.WORDS.get(row["expected"] or "", ""),
        bars=_bars(row, images),
        facts=_facts(row),
        why=str(row["why"] or "") if images else "",
    )


def _what(kind: str, count: int) -> str:
    """The kind of a feature, and how many training images show it."""
    name = words.KINDS.get(kind, kind)
    if kind == "image":
        return f"{name}, {count:,} times in the set" if count > 1 else name
    return f"{name}, {plural(count, 'training image')}"


def _bars(row: Mapping[str, Any], images: bool) -> tuple[Bar, ...]:
    bars = [Bar("this prompt", row["count"], row["n"], own=True)]
    for place, one in enumerate(row["without"] or (), 1):
        what = f"without \u201c{one['entity']}\u201d" if images else f"without entity {place}"
        bound = row["entity"] is not None and row["entity"] == one["entity"]
        note = "brings it" if bound else "falls" if one["falls"] else ""
        bars.append(Bar(what, one["count"] or 0, one["n"] or 0, note=note))
    bars.append(Bar("unrelated prompts", row["unrelated_count"] or 0, row["unrelated_n"] or 0))
    return tuple(bars)


def _facts(row: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    numbers = (
        ("p", row["p_value"]),
        ("q", row["q_value"]),
        ("p of coming back", row["recurs_p"]),
        ("q of coming back", row["recurs_q"]),
    )
    facts = [(name, short(value)) for name, value in numbers if value is not None]
    if row["best_similarity"] is not None:
        facts.append(("best likeness", plain(row["best_similarity"], 3)))
    return tuple(facts)
