"""The page of a `nearest` run: generations beside the training images that they come close to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from solidmark.measures.nearest.gathering import AGAIN
from solidmark.measures.nearest.judged import judged_pairs
from solidmark.measures.nearest.judgedpage import CALLED as CALLED_BY_PEOPLE
from solidmark.measures.nearest.judgedpage import badges, judged_section
from solidmark.measures.nearest.studies import (
    changed_copies,
    missed_copies,
    percentile_section,
    plain_hits,
)
from solidmark.measures.nearest.tables import SCHEMAS
from solidmark.measures.nearest.words import (
    AMONG_TRAINING,
    CALLED,
    QUESTIONS,
    SIDES,
    SPLITS,
    TERMS,
    WORDS,
)
from solidmark.page.comparison import (
    COMPARED,
    all_figures,
    all_rows,
    curves,
    made,
    page_of,
    proof_of,
    ranked_gallery,
    shortened,
)
from solidmark.page.control import control_section
from solidmark.page.glossary import glossary
from solidmark.page.pictures import IN_CARD, Picture, embed, open_pictures
from solidmark.page.scored import LOST, Measure, Row, Scored, measure_of
from solidmark.page.searched import search_section
from solidmark.page.sections import Card, Cards, Gallery, Page, Shown
from solidmark.runs import open_results, read_manifest, read_table
from solidmark.scores.control import WITHHELD
from solidmark.scores.judged import Judged, Pair
from solidmark.verdicts.control import HELD_OUT

NOT_NAMED = 6
"""So many training images are shown where none is named."""

CAME_BACK = "Named are those that a generation is closer to than to held-out images."


@dataclass(frozen=True)
class _Run:
    """The rows of a run, and its pictures.

    Arguments:
        pictures: By side and id, where the picture lies.
        among_training: Whether training images among themselves stand for held-out ones.
        judged: What people said of pairs, by split and pair: a word and its colour.
    """

    scored: Scored
    pictures: Mapping[str, Mapping[str, str]] = field(repr=False)
    among_training: bool
    judged: Mapping[tuple[str, Pair], tuple[str, str]]


def nearest_page(folder: Path, images: bool, top: int) -> Page:
    """The page of a `nearest` run, as a `Maker` of pages; `top` is of the pairs of each measure."""
    run = _open(folder)
    scored, results = run.scored, run.scored.results
    every = scored.ranked("trained")
    named = sum(map(scored.names, every))
    returned = [_card(run, rows, images) for rows in every[: min(top, named or NOT_NAMED)]]
    compared = not run.among_training and bool(
        {split for _, split in scored.tables} & {"null", "held_out"}
    )
    shut = scored.control is not None and scored.control.is_shut
    used = {one.statistic for one in results.figures}
    came_back = ranked_gallery(
        *(returned, (), len(every), named, scored.fdr),
        title="Training images that came back" if named else "The closest training images",
        said=(WITHHELD,) if shut else (CAME_BACK,) * bool(named),
    )
    return page_of(
        results,
        "Do the generations copy the training set?",
        {"Generations": "generated", "Training set": "training"},
        (
            came_back if every else None,
            _pairs(run, images, top),
            judged_section(scored, images),
            plain_hits(scored, lambda row: _picture(run, "generated", row.id) if images else None),
            curves(scored, ("trained", "generated") if every else ("generated",)),
            percentile_section(scored),
            control_section(results.folder, scored.control, images, compared, HELD_OUT),
            changed_copies(scored),
            search_section(results.figures),
            all_figures(
                scored,
                WORDS,
                [(title, {s: scored.splits[s] for s in some}, to) for title, some, to in QUESTIONS],
            ),
            all_rows(scored, images, own=(("judged", "Judged", "choice"),)),
            glossary(TERMS, used, scored.fdr),
            made(results, _left_out(run), (scored.failures(),)),
        ),
        proof=_proof(run, returned, images),
    )


def _open(folder: Path) -> _Run:
    read_manifest(folder, "nearest")
    results = open_results(folder, measures=dict)
    scores, null, images = (
        read_table(folder / f"{name}.parquet", SCHEMAS[name], AGAIN)
        for name in ("scores", "null", "images")
    )
    measures = tuple(measure_of(name, card) for name, card in results.facts["measures"].items())
    tables = {}
    for one in measures:
        tables[one.name, "generated"] = _part(scores, measure=one.name)
        tables[one.name, "null"] = _part(null, measure=one.name)
        for split in ("trained", "held_out"):
            tables[one.name, split] = _part(images, measure=one.name, split=split)
    judged = judged_pairs(folder)
    known = {name: _said(table, name[1], judged) for name, table in tables.items() if len(table)}
    among_training = results.config.get("null") == "train"
    nulls = {"generated": "null", "trained": "held_out"}
    names = AMONG_TRAINING if among_training else SPLITS
    scored = Scored(results, measures, known, nulls, names)
    return _Run(scored, open_pictures(folder, AGAIN), among_training, badges(judged))


def _part(table: Any, **asked: str) -> Any:
    """Some rows of a table, the closest first, those without a distance last."""
    import pyarrow.compute as pc

    for name, value in asked.items():
        table = table.filter(pc.equal(table[name], value))
    return table.sort_by([("distance", "ascending"), ("id", "ascending")])


def _said(table: Any, split: str, judged: Sequence[Judged]) -> Any:
    """The same with what people said of each pair, where they said something."""
    words = {(one.split, *one.pair): CALLED_BY_PEOPLE[one.verdict] for one in judged}
    if not words:
        return table
    pairs = zip(table["id"].to_pylist(), table["nearest"].to_pylist(), strict=True)
    said = [words.get(_pair(split, id, nearest)) for id, nearest in pairs]
    return table.append_column("judged", pa.array(said, pa.string()))


def _pair(split: str, id: str, nearest: str) -> tuple[str, str, str]:
    """What people judge of a row: its split, a generation or a held-out image, a training image."""
    if split == "trained":
        return "generated", nearest, id
    return split, id, nearest


def _proof(run: _Run, returned: list[Card], images: bool) -> Cards | None:
    """Training images that came back, or else the closest pairs by a measure that decided."""
    if any(card.named for card in returned):
        return proof_of(returned)
    scored, verdict = run.scored, run.scored.results.judged
    deciding = {one.name for one in verdict.findings if one.state == verdict.state}
    some = [one for one in scored.measures if one.name in deciding] or [*scored.measures]
    best = max(some, key=lambda one: _named(scored, one), default=None)
    return (
        proof_of(_closest(run, best, "generated", 3, images), "The closest pairs:")
        if best
        else None
    )


def _pairs(run: _Run, images: bool, top: int) -> Gallery:
    """The closest generations of every measure, and the closest of the null."""
    scored, lists = run.scored, list[Cards]()
    for measure in scored.measures:
        cards = _closest(run, measure, "generated", top, images)
        count, named = scored.count(measure.name, "generated"), _named(scored, measure)
        title = f"{measure.title}: the {len(cards)} closest of {count:,}"
        title += f", {named:,} named" if named else ""
        if cards:
            lists += [Cards(title, tuple(cards), folded=True)] if lists else shortened(cards, title)
        null = _closest(run, measure, "null", COMPARED, images)
        whom = "training images" if run.among_training else "held-out images"
        to = "another one" if run.among_training else "a training image"
        title = f"{measure.title}, for comparison: the {len(null)} {whom} that come closest to {to}"
        lists += [Cards(title, tuple(null), folded=True)] if null else []
    said = (
        "Named are those whose q is at most "
        f"{scored.fdr:g}; low content marks pictures nearly of one colour, whose closeness says "
        "little."
    )
    return Gallery(
        "pairs",
        "Generations beside their nearest training image",
        (said,) if lists else (),
        tuple(missed_copies(scored)),
        lists=tuple(lists),
        empty="No generation could be scored.",
        link="Pairs",
    )


def _closest(run: _Run, measure: Measure, split: str, most: int, images: bool) -> list[Card]:
    rows = run.scored.rows(measure.name, split, first=most)
    return [_card(run, {row.measure: row}, images) for row in rows]


def _card(run: _Run, rows: Mapping[str, Row], images: bool) -> Card:
    """An image and its nearest by the measure that is surest, with what each measure says."""
    scored = run.scored
    best = min(
        rows.values(),
        key=lambda row: [LOST if x is None else x for x in (row.q_value, row.distance)],
    )
    first, second = SIDES[best.split]
    sides = ("training" if run.among_training and first == "held_out" else first, second)
    pairs = tuple(zip(sides, (best.id, best.nearest), strict=True))
    pair = _pair(best.split, best.id, best.nearest)
    is_judged = not (run.among_training and best.split == "null")
    return Card(
        best.id,
        (("nearest", best.nearest), *([("", best.caption)] * bool(images and best.caption))),
        tuple(Shown(_picture(run, side, id), CALLED[side], id) for side, id in pairs if images),
        readings=scored.readings(rows, titled=len(rows) > 1, nearest=best.nearest),
        flags=tuple(scored.flags(best)),
        named=scored.names(rows),
        badge=run.judged.get((pair[0], pair[1:])),
        pair=pair if is_judged else (),
    )


def _picture(run: _Run, side: str, id: str) -> Picture:
    return embed(run.scored.results.folder, run.pictures.get(side, {}).get(id), IN_CARD)


def _named(scored: Scored, measure: Measure) -> int:
    return sum(one.count or 0 for one in scored.figures(measure.name, "named", "generated"))


def _left_out(run: _Run) -> list[str]:
    failed, facts = run.scored.results.failed, run.scored.results.facts
    return [
        f"Images that failed: {failed:,}. Images quarantined, since they could not be read: "
        f"{facts.get('quarantined') or 0:,}. Held-out images left out, since they are training "
        f"images too: {facts.get('excluded') or 0:,}. None of them counts in any figure."
    ]
