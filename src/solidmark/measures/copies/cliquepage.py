"""The page of `cliques`: prompts whose generations come back, the closest first."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from solidmark.cards import title_of
from solidmark.measures.copies.cliquetable import MEMBERS
from solidmark.measures.copies.page import GroupRun, groups_section, open_group_run
from solidmark.page.comparison import made, page_of
from solidmark.page.glossary import glossary
from solidmark.page.scored import p_and_q
from solidmark.page.sections import Card, Figures, Page, Reading
from solidmark.page.tabled import Words, table_of_figures
from solidmark.scores.written import number, plural

COLUMNS = (
    *("prompt_id", "text", "n", "clique", "mean_distance", "members", "suspicious", "chance"),
    *("p_value", "note"),
)

NAMES = {
    "suspicious": "Suspicious prompts",
    "threshold": "Threshold",
    "largest_clique": "Largest clique",
    "mean_clique": "Mean of the largest cliques",
    "low_content": "Low content, of the suspicious",
}

WORDS = Words(
    {},
    NAMES,
    tuple(NAMES),
    "the same picture comes back",
    frozenset(("threshold",)),
    frozenset(("suspicious", "low_content")),
)

TERMS = (
    *("largest_clique", "suspicious", "mean_distance", "threshold/clique", "chance/clique"),
    *("p_value/clique", "low_content"),
)

NONE = "No two generations of any prompt are within the threshold."

FILES = (
    ("cliques.parquet", "A row a prompt, with all members of its clique."),
    ("results.json", "The figures."),
)


def cliques_page(folder: Path, images: bool, top: int) -> Page:
    """The page of `cliques`, as a `Maker` of pages; `top` is of the prompts."""
    run = open_group_run(folder, "cliques", COLUMNS)
    shown = [line for line in run.lines if line["clique"] > 1][: min(top, _kept(run))]
    said = (
        f"{plural(len(shown), 'prompt')} of {len(run.lines):,}: suspicious ones first, the closest "
        f"cliques before others and plain pictures behind; at most {MEMBERS} members of each."
    )
    cards = [_card(run, line, images) for line in shown]
    known = (one for one in run.results.figures if one.statistic in NAMES)
    figures = [one for one in known if one.value is not None]
    names = ", ".join(map(title_of, run.results.facts.get("measures") or ()))
    title = f"{names}: cliques of {plural(len(run.lines), 'prompt')}"
    left_out = (
        f"Images that could not be read: {run.counted('quarantined'):,}. Images without a prompt, "
        f"or the only one of theirs: {run.counted('alone'):,}. They count nowhere."
    )
    return page_of(
        run.results,
        "Which prompts give back the same picture?",
        {"Generations": "generated"},
        (
            groups_section("Cliques", said, cards, NONE),
            Figures("figures", "Figures", tables=(table_of_figures(title, figures, WORDS),)),
            glossary(TERMS, ("threshold",)),
            made(run.results, (left_out,), files=FILES),
        ),
    )


def _kept(run: GroupRun) -> int:
    """Of how many prompts pictures were kept."""
    with_pictures = [
        place
        for place, line in enumerate(run.lines, 1)
        if any(id in run.pictures for id in line["members"])
    ]
    return max(with_pictures, default=len(run.lines))


def _card(run: GroupRun, line: Mapping[str, Any], images: bool) -> Card:
    facts = [
        ("clique", f"{line['clique']:,} of {line['n']:,}"),
        ("mean distance", number(line["mean_distance"])),
    ]
    if line["chance"] is not None:
        facts.append(("chance", f"{line['chance']:.1f}"))
    facts += p_and_q(line["p_value"], None)
    # Where the text is the id, it must not stand on a page without pictures.
    name, text = str(line["prompt_id"]), str(line["text"] or "")
    if not images and name == text:
        name = "a prompt without an id"
    ids = [str(id) for id in line["members"]]
    return Card(
        name,
        (("", text),) if images and text not in ("", name) else (),
        strip=tuple(run.shown(id, "", images) for id in ids[:MEMBERS]),
        readings=(Reading("", tuple(facts)),),
        flags=(str(line["note"]),) if line["note"] else (),
        badge=("suspicious", "unclear") if line["suspicious"] else None,
        more=len(ids[MEMBERS:]),
    )
