"""The page of `duplicates`: the largest groups of copies side by side, and what to remove."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from solidmark.cards import title_of
from solidmark.measures.copies.duplicatetable import MEMBERS
from solidmark.measures.copies.page import GroupRun, groups_section, open_group_run
from solidmark.page.comparison import NAMES, ON_SCALE, made, page_of
from solidmark.page.glossary import glossary
from solidmark.page.searched import search_section
from solidmark.page.sections import Card, Cell, Figures, Line, Page, Reading, Table
from solidmark.page.tabled import Words, table_of_figures
from solidmark.runs import find, first
from solidmark.scores.written import number, percent, plural

COLUMNS = ("id", "group", "kind", "keep", "similarity", "distance", "height", "width")

KINDS = {
    "exact": "equal pixels, whatever the files are",
    "near": "the same picture re-encoded or resized",
    "embedding": "similar to the embedder, above the threshold",
    None: "each image counts once, by its closest tie to the image that is kept",
}

PERCENTILES = (None, 50, 75, 90, 95)
"""Those that stand on the page."""

WORDS = Words({}, NAMES, ("eidetic", "closest", "percentile", "mean"), "close", ON_SCALE)

TERMS = (
    *("group", "distance/copies", "similarity/copies", "chained", "percentile"),
    "search_recall",
)

FILES = (
    ("remove.txt", "The ids to remove, one a line; of each group one image stays."),
    ("duplicates.parquet", "All groups, a row an image."),
    ("closest.parquet", "The nearest other image of each, where a measure was asked for."),
    ("results.json", "The figures."),
)


def duplicates_page(folder: Path, images: bool, top: int) -> Page:
    """The page of `duplicates`, as a `Maker` of pages; `top` is of the groups."""
    run = open_group_run(folder, "duplicates", COLUMNS)
    groups = [list(some) for _, some in groupby(run.lines, key=lambda line: line["group"])]
    said = (
        f"The largest {min(top, len(groups)):,} of {plural(len(groups), 'group')}, at most "
        f"{MEMBERS} pictures of each. The framed one is kept."
    )
    cards = [_card(run, some, images) for some in groups[:top]]
    broken = f"Images that could not be read: {run.counted('quarantined'):,}."
    return page_of(
        run.results,
        "Which images of this set are copies?",
        {"Images": "data"},
        (
            groups_section("Groups", said, cards, "No image is a copy of another."),
            Figures("figures", "Figures", tables=tuple(_tables(run))),
            search_section(run.results.figures),
            glossary(TERMS, {"percentile", *(one.statistic for one in run.results.figures)}),
            made(run.results, (f"{broken} results.json names them.",), files=FILES),
        ),
    )


def _tables(run: GroupRun) -> Iterator[Table]:
    figures = run.results.figures
    copies = {one.facts.get("kind"): one for one in find(figures, "copies")}
    largest = first(figures, "largest_group")
    n = next((one.n or 0 for one in copies.values()), 0)
    yield Table(
        f"Copies among {plural(n, 'image')}; the largest group has "
        f"{largest.value or 0 if largest else 0:,.0f}",
        (Cell("Kind"), Cell("Images that can go"), Cell("Share")),
        tuple(
            Line(
                kind or "all",
                (Cell(f"{copies[kind].count or 0:,}"), Cell(percent(copies[kind].value or 0.0))),
                meaning,
            )
            for kind, meaning in KINDS.items()
            if kind in copies
        ),
    )
    for name, card in (run.results.facts.get("measures") or {}).items():
        own = [one for one in figures if one.measure == name and one.statistic in WORDS.order]
        within = "At least" if card.get("direction") == "high" else "Within"
        words = replace(WORDS, names={**NAMES, "eidetic": f"{within} {{threshold}}"})
        about = f"{title_of(name)}: {card.get('unit', '')} of each image to its nearest other one"
        if some := [one for one in own if one.percentile in PERCENTILES]:
            yield table_of_figures(about, some, words)


def _card(run: GroupRun, lines: Sequence[Mapping[str, Any]], images: bool) -> Card:
    kinds = [str(line["kind"]) for line in lines if not line["keep"]]
    facts = [("images", f"{len(lines):,}")]
    facts += [(kind, f"{kinds.count(kind):,}") for kind in KINDS if kind and kind in kinds]
    return Card(
        str(lines[0]["group"]),
        strip=tuple(
            run.shown(str(line["id"]), _facts(line), images, outlined=bool(line["keep"]))
            for line in lines[:MEMBERS]
        ),
        readings=(Reading("", tuple(facts)),),
        more=len(lines[MEMBERS:]),
    )


def _facts(line: Mapping[str, Any]) -> str:
    words = ["kept" if line["keep"] else str(line["kind"])]
    words.append(f"{line['width']} x {line['height']} px")
    if not line["keep"]:
        near = line["similarity"]
        words.append(
            f"distance {number(line['distance'])}" if near is None else f"similarity {near:.4f}"
        )
    return ", ".join(words)
