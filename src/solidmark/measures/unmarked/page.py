"""The page of an audit without marks: one verdict, then measure by measure, with their pictures."""

import csv
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from solidmark.measures.inpaint.page import inpaint_page
from solidmark.measures.invmm.page import invmm_page
from solidmark.measures.nearest.page import nearest_page
from solidmark.measures.signals.page import signals_page
from solidmark.measures.unmarked.configuration import names_of
from solidmark.measures.unmarked.scoring import CARDS
from solidmark.page.comparison import made, page_of, subjects
from solidmark.page.sections import Cards, Cell, Figures, Gallery, Line, Page, Table
from solidmark.runs import RESULTS, Results, find, open_results, require_scored
from solidmark.scores.written import p_value, plain
from solidmark.verdicts.words import listed

PAGES: Mapping[str, Callable[[Path, bool, int], Page]] = {
    "signals": signals_page,
    "nearest": nearest_page,
    "inpaint": inpaint_page,
    "invmm": invmm_page,
}

SHOWN = 3
"""So many images of each measure."""
NAMED = 20
"""So many names stand on the page."""


def unmarked_page(folder: Path, images: bool, top: int) -> Page:
    """The page of an audit without marks, as a `Maker` of pages."""
    results = open_results(folder)
    names = [name for name in names_of(results.config) if (folder / name / RESULTS).is_file()]
    pages = {name: PAGES[name](folder / name, images, min(top, SHOWN)) for name in names}
    verdict = results.judged
    like = [one.name for one in verdict.findings if one.state == verdict.state]
    deciding = next((name for name in (*verdict.naming, *like) if name in pages), "")
    return replace(
        page_of(
            results,
            "What of its training images can be seen in this model, without marks?",
            subjects(results),
            (
                _named(folder),
                *(_section(name, page, name == deciding) for name, page in pages.items()),
                _figures(results),
                made(
                    results,
                    files=[(f"{name}/report.html", CARDS[name].title) for name in names],
                ),
            ),
            proof=pages[deciding].proof if deciding else None,
        ),
        command="audit",
    )


def _named(folder: Path) -> Figures:
    """The named images, those of most measures first."""
    require_scored(folder, "named.csv")
    with open(folder / "named.csv", encoding="utf-8", newline="") as file:
        rows = [*csv.DictReader(file)]
    by: dict[str, list[str]] = {}
    for row in rows:
        title = CARDS[row["measure"]].title
        own = by.setdefault(row["id"], [])
        own += [] if title in own else [title]
    lines = tuple(Line(id, (Cell(listed(own)),)) for id, own in [*by.items()][:NAMED])
    said = f"{len(by):,} training images are named by one measure or more; named.csv has them all."
    table = Table("Named images", (Cell("Image"), Cell("By")), lines)
    return Figures(
        "named",
        "Named images",
        (said if by else "No training image is named.",),
        tables=(table,) if by else (),
        link="Named",
    )


def _section(name: str, page: Page, is_above: bool) -> Gallery:
    """What one measure says, with its most suspicious images, unless they stand above."""
    verdict, title = page.verdict, CARDS[name].title
    cards = page.proof.cards if page.proof and not is_above else ()
    return Gallery(
        name,
        f"{title}: {verdict.label}",
        (verdict.headline, *verdict.details[:1], f"All of it: {name}/report.html."),
        lists=(Cards("", cards, numbered=False),) if cards else (),
        empty="Its most suspicious images stand above." if is_above else "No image is shown.",
        link=title,
    )


def _figures(results: Results) -> Figures:
    """The areas, the names and the cost of all measures, in one table."""
    lines = []
    for name in names_of(results.config):
        for one in find(results.figures, "network_calls", measure=name):
            said = (Cell(f"{one.value or 0:,.0f}", ("network calls",)),)
            lines.append(Line(CARDS[name].title, said, "what it took"))
    for one in results.figures:
        if one.statistic == "network_calls":
            continue
        facts = [] if one.p_value is None else [p_value(one.p_value)]
        value = f"{one.count:,}" if one.count is not None else plain(one.value or 0.0)
        facts += [f"of {one.n:,}"] if one.n is not None else []
        meaning = f"{one.statistic.replace('_', ' ')}, {one.split.replace('_', ' ')}"
        lines.append(Line(one.measure, (Cell(value, tuple(facts)),), meaning))
    heads = (Cell("Measure"), Cell("Value"))
    table = Table("All measures", heads, tuple(lines))
    return Figures("figures", "Figures", tables=(table,), folded=True)
