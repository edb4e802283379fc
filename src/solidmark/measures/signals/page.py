"""The page of a `signals` run: what each cheap signal says of the images, side by side."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.cards import SIGNALS, title_of
from solidmark.measures.signals.judging import EXCLUDED, SCORES
from solidmark.page.comparison import (
    COMPARED,
    NAMES,
    ORDER,
    SPLITS,
    all_figures,
    all_rows,
    captions_of,
    curves,
    made,
    page_of,
    proof_of,
    ranked_gallery,
    subjects,
)
from solidmark.page.control import control_section
from solidmark.page.glossary import USUAL, glossary
from solidmark.page.pictures import IN_CARD, embed, open_pictures
from solidmark.page.scored import Measure, Row, Scored, measure_of
from solidmark.page.sections import Card, Cell, Figures, Line, Page, Shown, Table
from solidmark.page.tabled import Words, cell_of, side_by_side
from solidmark.runs import find, open_results, read_manifest, read_table
from solidmark.verdicts.control import HELD_OUT

WORDS = Words(SPLITS, NAMES, ORDER)

TERMS = ("membership", "direction", "shared", "spearman", "null", "low_content", *USUAL)


@dataclass(frozen=True)
class _Run:
    """The rows of a run, and its pictures.

    Arguments:
        of_prompts: The signals that have a value for each prompt.
        pictures: By split and id: where the picture lies, the caption, the class.
        left_out: The signals that the model could not be asked for, and why.
    """

    scored: Scored
    of_prompts: frozenset[str]
    pictures: Mapping[str, Mapping[str, Mapping[str, str]]] = field(repr=False)
    left_out: Mapping[str, str]


def signals_page(folder: Path, images: bool, top: int) -> Page:
    """The page of a `signals` run, as a `Maker` of pages."""
    run = _open(folder)
    scored, results = run.scored, run.scored.results
    ranked = _ranked(run, "trained")
    trained = [_card(run, rows, images) for rows in ranked[:top]]
    lucky = [_card(run, rows, images) for rows in _ranked(run, "held_out")[:COMPARED]]
    used = {one.statistic for one in results.figures}
    return page_of(
        results,
        "Which training images leave a trace in the model?",
        subjects(results),
        (
            ranked_gallery(trained, lucky, len(ranked), sum(map(scored.names, ranked)), scored.fdr),
            Figures("signals", "Side by side", tables=tuple(_side_by_side(run)), link="Signals"),
            curves(scored, ("trained",)),
            control_section(results.folder, scored.control, images, True, HELD_OUT),
            all_figures(scored, WORDS),
            all_rows(scored, images),
            glossary(TERMS, used, scored.fdr),
            made(results, _counted(run), (scored.failures(),)),
        ),
        proof=proof_of(trained),
    )


def _open(folder: Path) -> _Run:
    read_manifest(folder, "signals")
    again = f'Run "solidmark score {folder}".'
    results = open_results(folder, again, measures=dict, left_out=dict)
    scores = read_table(folder / "scores.parquet", SCORES, again)
    found: Mapping[str, Mapping[str, Any]] = results.facts["measures"]
    measures = tuple(
        measure_of(
            name, card, f"{card.get('unit') or 'value'}, {card.get('direction')} = memorized"
        )
        for name, card in sorted(found.items(), key=lambda one: [*SIGNALS, *found].index(one[0]))
    )
    prompts = frozenset(name for name, card in found.items() if card.get("per") == "prompt")
    tables = {
        (one.name, split): _part(scores, one, split, one.name in prompts)
        for one in measures
        for split in SPLITS
    }
    known = {name: table for name, table in tables.items() if len(table)}
    scored = Scored(results, measures, known, {"trained": "held_out"}, SPLITS)
    pictures = open_pictures(folder, 'Run "solidmark signals" again.')
    return _Run(scored, prompts, pictures, results.facts["left_out"])


def _part(scores: Any, one: Measure, split: str, of_prompts: bool) -> Any:
    """The rows of one signal and split, the most suspicious first, those without a value last."""
    import pyarrow
    import pyarrow.compute as pc

    asked = pc.and_(pc.equal(scores["signal"], one.name), pc.equal(scores["split"], split))
    part = scores.filter(asked)
    distance = pc.subtract(1.0, part["value"]) if one.is_similarity else part["value"]
    part = part.append_column("distance", distance)
    if of_prompts:  # A prompt has no contrast.
        place = part.schema.get_field_index("contrast")
        none = pyarrow.nulls(len(part), part.schema.field(place).type)
        part = part.set_column(place, "contrast", none)
    return part.sort_by([("distance", "ascending"), ("id", "ascending")])


def _ranked(run: _Run, split: str) -> list[dict[str, Row]]:
    """What every signal says of each picture, once: of copies the first is shown."""
    scored = run.scored
    of_images = [one.name for one in scored.measures if one.name not in run.of_prompts]
    shown = of_images or [one.name for one in scored.measures]
    ids = {row.id for name in shown for row in scored.rows(name, split)}
    every = scored.ranked(split, copies=True)
    return [rows for rows in every if next(iter(rows.values())).id in ids]


def _card(run: _Run, rows: Mapping[str, Row], images: bool) -> Card:
    """An image, with what each signal says of it."""
    row, scored = next(iter(rows.values())), run.scored
    about = run.pictures.get(row.split, {}).get(row.id, {}) if images else {}
    shown = embed(scored.results.folder, about.get("picture"), IN_CARD)
    several = len(run.of_prompts) < len(scored.measures)
    return Card(
        row.id,
        captions_of(about),
        (Shown(shown, "", row.id),) if images else (),
        readings=scored.readings(rows),
        flags=tuple(scored.flags(row, copies=several)),
        named=scored.names(rows),
    )


def _side_by_side(run: _Run) -> Iterator[Table]:
    """What each signal says of all images, and whether two say it of the same ones."""
    scored = run.scored
    names = {one.name: one.title for one in scored.measures}
    left_out = [f"{title_of(name)} was left out: {why}" for name, why in run.left_out.items()]
    yield side_by_side("Signal", names, scored.results.figures, WORDS, notes=left_out)
    pairs = find(scored.results.figures, "spearman")
    if pairs:
        yield Table(
            "Do two signals order the trained images alike? Rank correlation, 0 by chance",
            (Cell("Signals"), Cell("Correlation")),
            tuple(
                Line(
                    f"{title_of(one.measure)} and {title_of(str(one.other))}",
                    (cell_of(one, WORDS),),
                )
                for one in pairs
            ),
        )


def _counted(run: _Run) -> list[str]:
    """What counts once, or not at all."""
    said = [f"Images that failed: {run.scored.results.failed:,}."]
    for one in run.scored.measures:
        counts = []
        for (name, split), table in run.scored.tables.items():
            if name != one.name:
                continue
            states, copies = (table[column].to_pylist() for column in ("status", "copy_of"))
            again = sum(s == "ok" and c is not None for s, c in zip(states, copies, strict=True))
            which = SPLITS[split].lower()
            counts += [f"{again:,} {which} count with another"] * (again > 0)
            out = states.count(EXCLUDED)
            counts += [f"{out:,} {which} were trained on, and are left out"] * (out > 0)
        if counts:
            said.append(f"{one.title}: {'; '.join(counts)}.")
    return said
