"""The page of an `intent` run: what prompts bring back, and whether anybody asked for it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from solidmark.measures.intent.cards import (
    KINDS,
    SAID,
    TONES,
    IntentRun,
    Row,
    card_of,
    name_of,
    open_intent,
    prompt_of,
)
from solidmark.measures.intent.types import TYPES
from solidmark.page.comparison import PROOF, made, page_of, shortened
from solidmark.page.control import control_section
from solidmark.page.glossary import glossary
from solidmark.page.rows import ROWS, rows_section
from solidmark.page.scored import failed
from solidmark.page.sections import (
    Cards,
    Cell,
    Figures,
    Gallery,
    Line,
    Note,
    Page,
    Rows,
    Section,
    Table,
)
from solidmark.scores.control import control_from
from solidmark.scores.written import percent, percents, plural
from solidmark.verdicts.intent import SIDES
from solidmark.verdicts.intent import TYPES as LABELS

SHOWN, FEW, MOST = 4, 12, 48
"""Prompts of a type that are seen at once; of prompts without memory, at most; lines of a list."""

PRIVATE = ("caption", "captions")
"""Options that hold words of prompts."""

HEADINGS: Mapping[str, str] = {
    "unintended": "Unintended: neither named nor brought by an entity",
    "implicit": "Implicit intended: not named, but bound to an entity of the prompt",
    "explicit": "Explicit intended: the prompt names it, and gets it",
    "not memorized": "Not memorized: too rare, or no more than comes anyhow",
}

NONE_THAT_STANDS = "None among the findings that stand; the others are withheld."
"""What is said where the unrelated prompts are about pictures of another kind."""

TERMS = (
    *("feature", "entity", "frequency", "likeness", "p_value/prompt", "recurs_p", "q_value"),
    *("expected", "papers"),
)

FILES = (
    ("findings.parquet", "A row a prompt and feature: frequencies, tests, type, reason."),
    (
        "generations.parquet",
        "A row a generation: what was asked, its nearest training picture, what it shows.",
    ),
    ("prompts.parquet, features.parquet", "What was asked about."),
    ("results.json", "The counts and the verdict."),
)


def intent_page(folder: Path, images: bool, top: int) -> Page:
    """The page of an `intent` run, as a `Maker` of pages.

    `top` is of the prompts of each type. Prompts, and names of classes and phrases, are captions.
    """
    run = open_intent(folder)
    results = run.results
    galleries = [_gallery(run, type, images, top) for type in TYPES]
    broken = [(id, why, 1) for id, why in (results.facts.get("quarantined") or {}).items()]
    config = {k: v for k, v in results.config.items() if images or k not in PRIVATE}
    fdr = float((results.facts.get("scoring") or {}).get("fdr") or 0.05)
    lost = f"{results.failed:,} of {results.facts.get('generations') or 0:,}"
    unreadable = "Training images that could not be read"
    said = f"Generations that could not be used: {lost}.", f"{unreadable}: {len(broken):,}."
    return page_of(
        results,
        "Does the model give back what nobody asked for?",
        {"Model": "model", "Training set": "training"},
        (
            *galleries[:-1],
            Figures("counts", "Counts by type", tables=(_counts(run),), link="Counts"),
            _overruled(run, images),
            galleries[-1],
            _control(run, images),
            _all_findings(run, images, fdr),
            glossary(TERMS, (), fdr),
            made(replace(results, config=config), said, (failed(broken, unreadable),), FILES),
        ),
        proof=_proof(galleries),
    )


def _control(run: IntentRun, images: bool) -> Section | None:
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


def _gallery(run: IntentRun, type: str, images: bool, top: int) -> Gallery:
    """The prompts that have findings of a type."""
    rows = [row for row in run.findings if row["type"] == type]
    by_prompt: dict[str, list[Row]] = {}
    for row in rows:
        by_prompt.setdefault(row["prompt"], []).append(row)
    most = min(top, FEW) if type == "not memorized" else top
    cards = tuple(card_of(run, id, some, images) for id, some in list(by_prompt.items())[:most])
    said = [
        f"{plural(len(rows), 'finding')} in {len(by_prompt):,} of {plural(run.judged, 'prompt')}."
    ]
    if len(cards) < len(by_prompt):
        said.append(f"{plural(len(cards), 'prompt is', 'prompts are')} shown.")
    if images:
        said.append("Outlined are the generations that show it.")
    lists = tuple(replace(one, wide=True, numbered=False) for one in shortened(cards, first=SHOWN))
    return Gallery(
        type.replace(" ", "-"),
        HEADINGS[type],
        (" ".join(said),) if rows else (),
        folded=type == "not memorized",
        link=LABELS[type].capitalize(),
        lists=lists,
        empty=NONE_THAT_STANDS if run.results.facts.get("withheld") else "None.",
    )


def _counts(run: IntentRun) -> Table:
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


def _overruled(run: IntentRun, images: bool) -> Note | None:
    """What the user's file says of memorized findings."""
    points = [
        f"{SAID[word].capitalize()}: {name_of(row, images)} ({LABELS[row['type']]}), "
        f"prompt {prompt_of(row, images)}"
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


def _all_findings(run: IntentRun, images: bool, fdr: float) -> Rows:
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
            "prompt": prompt_of(row, images),
            "name": name_of(row, images),
        }
        for place, row in enumerate(run.findings[:ROWS], 1)
    ]
    return rows_section(
        columns,
        rows,
        lambda row, name: row[name],
        total=len(run.findings),
        fdr=fdr,
        order="first findings",
        sort="place",
        names={"type": dict(LABELS), "kind": KINDS, "expected": {**SAID, "none": "not said"}},
        title="All findings",
        file="findings.parquet",
    )
