"""The page of an `intent` run: what prompts bring back, and whether anybody asked for it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from solidmark.intent.bars import bars_of, drawn
from solidmark.intent.tables import read_table
from solidmark.intent.types import TYPES
from solidmark.report.comparison import PROOF, made
from solidmark.report.control import control_section
from solidmark.report.numbers import percent, percents, plain, short
from solidmark.report.pictures import Picture, embed
from solidmark.report.rendering import write_page
from solidmark.report.rows import ROWS, table_of_rows
from solidmark.report.scored import failed
from solidmark.report.sections import (
    Card,
    Cards,
    Cell,
    Figures,
    Gallery,
    Glossary,
    Line,
    Note,
    Page,
    Reading,
    Rows,
    Section,
    Shown,
    Table,
)
from solidmark.runs import Figure, Results, find, open_results, read_manifest
from solidmark.scores.control import control_from
from solidmark.scores.written import plural
from solidmark.verdicts.intent import SIDES
from solidmark.verdicts.intent import TYPES as LABELS

COMMAND = "intent"
AGAIN = 'Run the same "solidmark intent" again.'

SHOWN, FEW, MOST = 4, 12, 48
"""Prompts of a type that are seen at once; of prompts without memory, at most; lines of a list."""

GENERATIONS = 16
"""Generations of a card, at most."""

LARGEST, SMALL = 144, 112
"""The longer sides of a pair and of the other generations in the page, in pixels."""

PRIVATE = ("caption", "captions")
"""Options that hold words of prompts."""

TONES: Mapping[str, str] = {
    "unintended": "memorized",
    "implicit": "unclear",
    "explicit": "plain",
    "not memorized": "not_seen",
}
"""The colours of the types, which never stand without the words."""

HEADINGS: Mapping[str, str] = {
    "unintended": "Unintended: neither named nor brought by an entity",
    "implicit": "Implicit intended: not named, but bound to an entity of the prompt",
    "explicit": "Explicit intended: the prompt names it, and gets it",
    "not memorized": "Not memorized: too rare, or no more than comes anyhow",
}

NONE: Mapping[str, str] = {
    "unintended": "No prompt brought back anything that it neither names nor implies.",
    "implicit": "No entity of any prompt brought back anything that was not named.",
    "explicit": "No prompt brought back what it names.",
    "not memorized": "Everything that was looked at is memorized.",
}
NONE_THAT_STANDS = "None among the findings that stand; the others are withheld."
"""The same where the unrelated prompts are about pictures of another kind."""

SAID: Mapping[str, str] = {"yes": "expected", "no": "not expected"}
"""What the user's file says of a finding."""

KINDS: Mapping[str, str] = {
    "image": "training picture",
    "class": "class",
    "phrase": "the user's phrase",
}

TERMS = (
    (
        "feature",
        "Feature",
        "What a generation may show: a training picture with its copies, a class, or a phrase of "
        "the user's file. It shows it when its nearest training picture belongs to it and is close "
        "enough. A finding is a feature that a prompt shows at least once, or names.",
    ),
    (
        "entity",
        "Entity",
        "A word or phrase of a prompt that may bring a picture: it is taken out, and the rest is "
        "asked for again. Words of grammar, and those of most captions, are none.",
    ),
    (
        "frequency",
        "Bars",
        "The share of generations that show the feature, with its 95 % interval "
        "(Clopper-Pearson): under this prompt; without one entity, where low = this entity brings "
        "it; under prompts about other things, which is what comes anyhow.",
    ),
    (
        "likeness",
        "Likeness",
        "How alike a generation and its nearest training picture look; high = alike, 1 = equal. "
        "The threshold is calibrated on pairs of different training pictures.",
    ),
    (
        "p_value",
        "p",
        "How often luck alone would do as much: more under the prompt than under unrelated "
        "prompts, or than without the entity (Fisher, one-sided). Low = more than luck.",
    ),
    (
        "recurs_p",
        "p of coming back",
        "Of a single training picture: how often so many generations of this prompt and of all "
        "unrelated ones together would show it, if it came in half of the frequent share of them "
        "at most. Low = it comes back, whatever is asked.",
    ),
    (
        "q_value",
        "q",
        "p after correction for the number of tests of its kind (Benjamini-Hochberg). Low = more "
        "than luck.",
    ),
    (
        "expected",
        "Expected, not expected",
        "What the user's file (--expected) says of a feature. It has the last word on whether a "
        "memorized feature is intended; the type stays as it was found.",
    ),
    (
        "papers",
        "What is the paper's",
        "The three types, and that they are told apart by what a user expects of a prompt: Naseh, "
        "Roh and Houmansadr, 2023. The paper gives examples, no numbers.",
    ),
    (
        "ours",
        "What is ours",
        "All numbers: how many generations, from which likeness a generation shows a feature, from "
        "which share on it is frequent, which prompts it is compared with, every p and q, the type "
        '"not memorized", and the rule that decides between the types.',
    ),
)
"""Anchor, term, explanation."""

FILES = (
    ("findings.parquet", "A row a prompt and feature: frequencies, tests, type, reason."),
    (
        "generations.parquet",
        "A row a generation: what was asked, its nearest training picture, what it shows.",
    ),
    ("prompts.parquet, features.parquet", "What was asked about."),
    ("results.json", "The counts and the verdict."),
)

Row = Mapping[str, Any]
"""A row of a table of the run."""


@dataclass(frozen=True)
class _Run:
    """The folder of an `intent` run.

    Arguments:
        results: What stands in `results.json`.
        findings: The rows of `findings.parquet`, in their order.
        features: Those of `features.parquet`, by feature.
        drawn: By prompt: the generations that could be used, in order.
    """

    results: Results
    findings: Sequence[Row] = field(repr=False)
    features: Mapping[str, Row] = field(repr=False)
    drawn: Mapping[str, Sequence[Row]] = field(repr=False)

    def count(self, type: str, split: str = "all") -> Figure | None:
        """The counts of a type over all kinds of features."""
        some = find(self.results.figures, type, split)
        return next((one for one in some if one.facts.get("kind") == "all"), None)

    @property
    def judged(self) -> int:
        """How many prompts have a generation that could be used."""
        found = self.count("explicit")
        return int(found.number("prompts_n") or 0) if found else 0


def write_intent_report(folder: Path, *, images: bool = True, top: int = MOST) -> Path:
    """Writes `report.html` into the folder of an `intent` run.

    Arguments:
        folder: The folder of the run.
        images: Whether pictures, prompts, and names of classes and phrases may stand on the page.
            Without them it can be shown to people who must not see the data; ids stay.
        top: How many prompts of each type are shown.

    Returns:
        The page.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When one of its files cannot be read.
    """
    return write_page(folder, _page(_open(folder), images, top), images=images, top=top)


def _open(folder: Path) -> _Run:
    read_manifest(folder, COMMAND)
    results = open_results(folder, AGAIN)
    findings, features, generations = (
        read_table(folder, name) for name in ("findings", "features", "generations")
    )
    drawn: dict[str, list[Row]] = {}
    for row in generations:
        if row["kind"] == "prompt" and row["status"] == "ok":
            drawn.setdefault(row["prompt"], []).append(row)
    known = [row for row in findings if row["type"] in TYPES]
    return _Run(results, known, {row["feature"]: row for row in features}, drawn)


def _page(run: _Run, images: bool, top: int) -> Page:
    results = run.results
    galleries = [_gallery(run, type, images, top) for type in TYPES]
    broken = [(id, why, 1) for id, why in (results.facts.get("quarantined") or {}).items()]
    config = {k: v for k, v in results.config.items() if images or k not in PRIVATE}
    lost = f"{results.failed:,} of {results.facts.get('generations') or 0:,}"
    sections = (
        *galleries[:-1],
        Figures("counts", "Counts by type", tables=(_counts(run),), link="Counts"),
        _overruled(run, images),
        galleries[-1],
        _control(run, images),
        _all_findings(run, images),
        Glossary(
            "reading", "How to read the numbers", words=TERMS, folded=True, link="How to read"
        ),
        made(
            replace(results, config=config),
            (
                f"Generations that could not be used: {lost}.",
                f"Training images that could not be read: {len(broken):,}.",
            ),
            (failed(broken, "Training images that could not be read"),),
            FILES,
        ),
    )
    return Page(
        COMMAND,
        "Does the model give back what nobody asked for?",
        tuple(
            (said, str(config.get(name) or "not named"))
            for said, name in (("Model", "model"), ("Training set", "training"))
        ),
        results.judged,
        tuple(one for one in sections if one is not None),
        proof=_proof(galleries),
    )


def _control(run: _Run, images: bool) -> Section | None:
    """Whether the unrelated prompts are about pictures of the same kind."""
    found = run.results.facts.get("control")
    control = control_from(found) if isinstance(found, Mapping) else None
    shown = control_section(run.results.folder, control, images, False, SIDES)
    title = "Are the unrelated prompts about pictures of the same kind?"
    return shown and replace(shown, title=title, link="Unrelated prompts")


def _proof(galleries: Sequence[Gallery]) -> Cards | None:
    """The first prompts of the worst type that has any, without the rest of their generations."""
    cards = [card for one in galleries for some in one.lists[:1] for card in some.cards]
    worst = [card for card in cards if card.badge == cards[0].badge and card.pictures][:PROOF]
    short = (
        replace(card, pictures=card.pictures[:2], readings=card.readings[:1], strip=(), more=0)
        for card in worst
    )
    nothing = worst and worst[0].badge == (LABELS[TYPES[-1]], TONES[TYPES[-1]])
    said = ("What came most often:",) if nothing else ()
    return Cards("", tuple(short), said, numbered=False) if worst else None


def _gallery(run: _Run, type: str, images: bool, top: int) -> Gallery:
    """The prompts that have findings of a type."""
    rows = [row for row in run.findings if row["type"] == type]
    by_prompt: dict[str, list[Row]] = {}
    for row in rows:
        by_prompt.setdefault(row["prompt"], []).append(row)
    most = min(top, FEW) if type == "not memorized" else top
    cards = tuple(_card(run, id, some, images) for id, some in list(by_prompt.items())[:most])
    said = [
        f"{plural(len(rows), 'finding')} in {len(by_prompt):,} of {plural(run.judged, 'prompt')}."
    ]
    if len(cards) < len(by_prompt):
        said.append(f"{plural(len(cards), 'prompt is', 'prompts are')} shown.")
    if images:
        said.append("Outlined are the generations that show it.")
    lists = (
        Cards("", cards[:SHOWN], wide=True, numbered=False),
        Cards(
            f"{len(cards[SHOWN:])} more prompts",
            cards[SHOWN:],
            folded=True,
            wide=True,
            numbered=False,
        ),
    )
    return Gallery(
        type.replace(" ", "-"),
        HEADINGS[type],
        (" ".join(said),) if rows else (),
        folded=type == "not memorized",
        link=LABELS[type].capitalize(),
        lists=tuple(one for one in lists if one.cards),
        empty=NONE_THAT_STANDS if run.results.facts.get("withheld") else NONE[type],
    )


def _card(run: _Run, id: str, rows: Sequence[Row], images: bool) -> Card:
    """A prompt with its findings of one type."""
    several = len(rows) > 1
    numbers = {row["feature"]: str(n) if several else "" for n, row in enumerate(rows, 1)}
    all_drawn = run.drawn.get(id, ())
    shows = [[one for one in numbers if one in row["features"]] for row in all_drawn]
    order = sorted(range(len(all_drawn)), key=lambda place: (not shows[place], place))
    folder = run.results.folder
    strip = [
        Shown(
            embed(folder, all_drawn[place]["picture"], SMALL) or Picture(),
            " ".join(filter(None, (numbers[one] for one in shows[place]))),
            outlined=bool(shows[place]),
        )
        for place in order[:GENERATIONS]
    ]
    return Card(
        _prompt(rows[0], images),
        (("", str(rows[0]["text"])),) if images else (),
        tuple(one for row in rows for one in _pair(run, row, numbers)) if images else (),
        tuple(strip) if images else (),
        tuple(_reading(run, row, numbers[row["feature"]], images) for row in rows),
        badge=(LABELS[rows[0]["type"]], TONES[rows[0]["type"]]),
        more=max(0, len(all_drawn) - GENERATIONS) if images else 0,
    )


def _pair(run: _Run, row: Row, numbers: Mapping[str, str]) -> Iterator[Shown]:
    """A training picture of a finding, and the first generation that shows it."""
    folder, feature = run.results.folder, row["feature"]
    number = numbers[feature] and f" {numbers[feature]}"
    original = row["original"] or run.features.get(feature, {}).get("original")
    yield Shown(embed(folder, original, LARGEST) or Picture(), f"training picture{number}")
    own = [one["picture"] for one in run.drawn.get(row["prompt"], ()) if feature in one["features"]]
    if best := [*(row["pictures"] or ()), *own][:1]:
        yield Shown(embed(folder, best[0], LARGEST) or Picture(), f"drawn{number}")


def _reading(run: _Run, row: Row, number: str, images: bool) -> Reading:
    """What a prompt brings, how often, and why it is of its type."""
    count = len(run.features.get(row["feature"], {}).get("images") or ())
    times = f"{count:,} times in the set" if count > 1 else "once in the set"
    of = times if row["kind"] == "image" else plural(count, "training image")
    facts = [(KINDS.get(row["kind"], row["kind"]), of)]
    if row["expected"]:
        facts.append(("user", SAID.get(row["expected"], row["expected"])))
    for name, column in (
        ("p", "p_value"),
        ("q", "q_value"),
        ("p of coming back", "recurs_p"),
        ("q of coming back", "recurs_q"),
    ):
        if row[column] is not None:
            facts.append((name, short(row[column])))
    if row["best_similarity"] is not None:
        facts.append(("best likeness", plain(row["best_similarity"], 3)))
    return Reading(
        f"{number} {_name(row, images)}".strip(),
        tuple(facts),
        drawings=(drawn(list(bars_of(row, images))),),
        said=str(row["why"] or "") if images else "",
    )


def _prompt(row: Row, images: bool) -> str:
    """The id of a prompt; where it is the text, it must not stand on a page without prompts."""
    hidden = not images and row["prompt"] == row["text"]
    return "a prompt without an id" if hidden else str(row["prompt"])


def _name(row: Row, images: bool) -> str:
    """The name of a feature; only ids of images may stand on a page without prompts."""
    if images or row["kind"] == "image":
        return str(row["name"])
    return "a class" if row["kind"] == "class" else "a phrase"


def _counts(run: _Run) -> Table:
    """A line a type, and what the user's file says of its findings."""
    splits = [one for one in ("expected", "not expected", "not said") if run.count("explicit", one)]
    heads = ["Type", "Findings", "Prompts with one", "Share of prompts", "95 % interval"]
    lines = []
    for type in TYPES:
        found = run.count(type)
        if found is None:
            continue
        share, ends = found.value, found.interval
        cells = [
            f"{found.count or 0:,} of {found.n or 0:,}",
            f"{found.number('prompts') or 0:,.0f} of {run.judged:,}",
            "–" if share is None else percent(share),
            "–" if ends is None else percents(*ends),
            *(f"{getattr(run.count(type, one), 'count', 0) or 0:,}" for one in splits),
        ]
        lines.append(Line(LABELS[type], tuple(map(Cell, cells)), tone=TONES[type]))
    return Table(
        f"{plural(run.judged, 'prompt')} asked; one can have findings of several types",
        tuple(map(Cell, (*heads, *(f"User: {one}" for one in splits)))),
        tuple(lines),
    )


def _overruled(run: _Run, images: bool) -> Note | None:
    """What the user's file says of memorized findings."""
    points = [
        f"{SAID[word].capitalize()}: {_name(row, images)} ({LABELS[row['type']]}), "
        f"prompt {_prompt(row, images)}"
        for word in ("no", "yes")
        for row in run.findings
        if row["expected"] == word and row["type"] != "not memorized"
    ]
    if not points:
        return None
    more = f"{len(points) - MOST:,} more are in the table of all findings."
    return Note(
        "user",
        "By the user's word",
        ("The file of expectations decides what is intended; the type stays as it was found.",),
        folded=True,
        points=(*points[:MOST], *[more] * (len(points) > MOST)),
    )


def _all_findings(run: _Run, images: bool) -> Rows:
    """Every finding, in its order, folded."""
    columns = [
        ("place", "No.", "whole"),
        ("type", "Type", "choice"),
        ("expected", "User's word", "choice"),
        ("prompt", "Prompt", "text"),
        *([("text", "Text", "text")] * images),
        ("name", "Feature", "text"),
        ("kind", "Kind", "choice"),
        ("count", "Shown", "whole"),
        ("n", "Of", "whole"),
        ("frequency", "Frequency", "number"),
        ("unrelated_frequency", "Unrelated", "number"),
        *([("entity", "Entity", "text")] * images),
        ("p_value", "p", "number"),
        ("q_value", "q", "number"),
        ("recurs_p", "p of coming back", "number"),
        ("best_similarity", "Likeness", "number"),
    ]
    rows = [
        {
            **row,
            "place": place,
            "expected": row["expected"] or "none",
            "prompt": _prompt(row, images),
            "name": _name(row, images),
        }
        for place, row in enumerate(run.findings[:ROWS], 1)
    ]
    table = table_of_rows(
        columns,
        rows,
        lambda row, name: row[name],
        total=len(run.findings),
        fdr=float((run.results.facts.get("scoring") or {}).get("fdr") or 0.05),
        order="first findings",
        sort="place",
        searched=[name for name, _, kind in columns if kind == "text"],
        searched_words="prompt or feature",
        names={"type": dict(LABELS), "kind": KINDS, "expected": {**SAID, "none": "not said"}},
    )
    return Rows(
        "rows",
        "All findings",
        folded=True,
        table=table,
        file="findings.parquet",
    )
