"""The page of a `signals` run: what each cheap signal says of the images, side by side."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.cards import SIGNALS, title_of
from solidmark.report.comparison import NAMES, ON_SCALE, ORDER, all_figures, all_rows, curves, made
from solidmark.report.controlled import control_section
from solidmark.report.glossary import glossary
from solidmark.report.pictures import Picture, embed
from solidmark.report.rendering import write_report_page
from solidmark.report.scored import Measure, Row, Scored
from solidmark.report.sections import Card, Cards, Cell, Figures, Gallery, Line, Page, Shown, Table
from solidmark.report.tabled import Words, cell_of
from solidmark.runs import Figure, open_results, read_manifest, read_table
from solidmark.signals.scoring import SCORES

COMPARED = 10
"""So many held-out images stand below the trained ones."""

LARGEST = 144
"""The longer side of a picture in the page, in pixels."""

SPLITS = {"trained": "Trained", "held_out": "Held-out"}
WORDS = Words(SPLITS, NAMES, ORDER, close=frozenset())

TERMS = {
    "membership": (
        "Trained on is not memorized",
        "A signal may tell that an image was trained on although no generation will ever show it. "
        "Reported successes of such attacks vanish on splits that are alike.",
    ),
    "direction": (
        "Direction",
        "Which side means memorized, as it was found for other models and data. An area clearly "
        "below 0.5 says that it does not hold here.",
    ),
    "shared": (
        "Counted once",
        "Images of equal pixels are one picture; for a signal of prompts, images of one prompt are "
        "one prompt. A held-out image that was trained on after all, or has a prompt that was, is "
        "left out.",
    ),
    "spearman": (
        "Rank correlation",
        "Whether two signals order the trained images alike: 1 = the same order, 0 = nothing to do "
        "with each other, −1 = the opposite. They may agree on what is plain or busy instead of on "
        "what is memorized.",
    ),
}


@dataclass(frozen=True)
class _Run:
    """The rows of a run, and its pictures.

    Arguments:
        scored: Its rows and figures.
        of_prompts: The signals that have a value for each prompt.
        pictures: By split and id: where the picture lies, the caption, the class.
    """

    scored: Scored
    of_prompts: frozenset[str]
    pictures: Mapping[str, Mapping[str, Mapping[str, str]]] = field(repr=False)


def write_signals_report(folder: Path, *, images: bool = True, top: int = 48) -> Path:
    """Writes `report.html` and `figures/` into the folder of a `signals` run.

    Arguments:
        folder: The folder of the run.
        images: Whether pictures of the data and their captions may stand on the page; ids stay.
        top: How many images are shown. The run keeps the pictures of the 48 most suspicious ones
            by each signal; of others the page says that they cannot be shown.

    Returns:
        The page.

    Raises:
        NotFound: When a file is missing.
        RunConflict: When the run is not finished, or of another command.
        BadInput: When one of its files cannot be read.
    """
    return write_report_page(folder, _page(_open(folder), images, top), images=images, top=top)


def _open(folder: Path) -> _Run:
    read_manifest(folder, "signals")
    again = f'Run "solidmark score {folder}".'
    results = open_judged(folder, measures=dict, left_out=dict)
    scores = read_table(folder / "scores.parquet", SCORES, again)
    found: Mapping[str, Mapping[str, Any]] = results.facts["measures"]
    measures = tuple(
        measure_of(name, found[name], f"{found[name]['unit']}, {found[name]['direction']} = memorized")
        for name in sorted(found, key=[*SIGNALS, *found].index)
    )
    prompts = frozenset(name for name, card in found.items() if card.get("per") == "prompt")
    tables = {
        (one.name, split): _part(scores, one, split, one.name in prompts)
        for one in measures
        for split in SPLITS
    }
    known = {name: table for name, table in tables.items() if len(table)}
    scored = Scored(results, measures, known, {"trained": "held_out"}, SPLITS)
    return _Run(scored, prompts, read_pictures(folder))


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


def _page(run: _Run, images: bool, top: int) -> Page:
    scored = run.scored
    results = scored.results
    assert results.verdict is not None
    folder = results.folder
    trained = _cards(run, "trained", images, top)
    lucky = _cards(run, "held_out", images, COMPARED)
    named = sum(card.named for card in _cards(run, "trained", False, None))
    sections = (
        Gallery(
            "images",
            "The most suspicious images",
            (_ranked(len(trained), len(scored.by_id("trained")), named, scored.fdr),),
            lists=(
                Cards("", trained[:SHOWN]),
                *_folded(f"{len(trained) - SHOWN:,} more", trained[SHOWN:]),
                *_folded("For comparison: held-out images, which the model never saw", lucky),
            ),
            empty="No trained image was measured.",
            link="Images",
        ),
        Figures("signals", "Side by side", tables=_side_by_side(run), link="Signals"),
        curves(scored, ("trained",)),
        control_section(folder, scored.control, images, scored.control is not None, Sides()),
        all_figures(scored, (("trained against held-out", SPLITS, "trained_vs_held_out"),), WORDS),
        all_rows(scored, images),
        glossary(
            scored.fdr,
            {one.statistic for one in results.figures},
            TERMS if len(scored.measures) > 1 else _without(TERMS, "spearman"),
        ),
        made(results, _left_out(run), (scored.failures(),), FILES),
    )
    return Page(
        "signals",
        "Which training images leave a trace in the model?",
        (
            ("Model", str(results.config.get("model", "not named"))),
            ("Images", str(results.config.get("images", "not named"))),
        ),
        results.verdict,
        tuple(one for one in sections if one is not None),
        proof=Cards("", trained[:PROOF], numbered=False) if results.verdict.is_seen else None,
    )
