"""The page of an audit without marks: one verdict, then measure by measure, with their pictures."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from solidmark.measures.inpaint.page import inpaint_page
from solidmark.measures.invmm.page import invmm_page
from solidmark.measures.nearest.page import nearest_page
from solidmark.measures.signals.page import signals_page
from solidmark.measures.unmarked.scoring import CARDS
from solidmark.page.comparison import made, page_of, subjects
from solidmark.page.sections import Cards, Cell, Figures, Gallery, Line, Page, Table
from solidmark.runs import RESULTS, Results, find, open_results
from solidmark.scores.written import p_value, plain
from solidmark.verdicts.together import STATES

PAGES: Mapping[str, Callable[[Path, bool, int], Page]] = {
    "signals": signals_page,
    "nearest": nearest_page,
    "inpaint": inpaint_page,
    "invmm": invmm_page,
}

SHOWN = 3
"""So many images of each measure."""


def unmarked_page(folder: Path, images: bool, top: int) -> Page:
    """The page of an audit without marks, as a `Maker` of pages."""
    results = open_results(folder)
    names = [name for name in results.config["parts"] if (folder / name / RESULTS).is_file()]
    pages = {name: PAGES[name](folder / name, images, min(top, SHOWN)) for name in names}
    deciding = min(pages, key=lambda name: STATES.index(pages[name].verdict.state), default="")
    return replace(
        page_of(
            results,
            "What of its training images can be seen in this model, without marks?",
            subjects(results),
            (
                *(_section(name, page) for name, page in pages.items()),
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


def _section(name: str, page: Page) -> Gallery:
    """What one measure says, with its most suspicious images."""
    verdict, title = page.verdict, CARDS[name].title
    cards = page.proof.cards if page.proof else ()
    return Gallery(
        name,
        f"{title}: {verdict.label}",
        (verdict.headline, *verdict.details[:1], f"All of it: {name}/report.html."),
        lists=(Cards("", cards, numbered=False),) if cards else (),
        empty="It has no pictures to show.",
        link=title,
    )


def _figures(results: Results) -> Figures:
    """The areas, the names and the cost of all measures, in one table."""
    lines = []
    for name in results.config["parts"]:
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
