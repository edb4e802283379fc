"""The page of a `provenance` run: the test of the set, what each signal says, and the control."""

from pathlib import Path
from typing import Any

import numpy as np

from solidmark.cards import title_of
from solidmark.measures.provenance.configuration import SIGNALS
from solidmark.measures.provenance.scoring import AGAINST, SCORES
from solidmark.page.comparison import made, page_of
from solidmark.page.control import control_section
from solidmark.page.drawing import LOOK, Drawing, drawing, legend
from solidmark.page.glossary import glossary
from solidmark.page.sections import Cell, Figures, Line, Page, Plots, Table
from solidmark.page.tabled import Words, cell_of, table_of_figures
from solidmark.runs import Figure, find, open_results, read_table, require_scored
from solidmark.scores.control import control_from
from solidmark.scores.written import plain
from solidmark.verdicts.provenance import SIDES

WORDS = Words(
    {"suspect": "Suspect"},
    {
        "auc": "AUC of all signals together",
        "enough": "Images that would have done",
        "enough area": "Images that would do, if the area is right",
        "used": "Share that was used, at least",
        "smallest_share": "Smallest share that would be seen",
    },
    ("auc", "used", "enough", "smallest_share"),
    means="trained on",
)


TELLS = (
    (
        "p_value",
        "p",
        "How often a set that was not used looks as much used: the labels are permuted, and all is "
        "fitted again.",
    ),
    (
        "weight",
        "Weight",
        "How much a signal counts in the score of an image, learned from other images. None counts "
        "against its own direction.",
    ),
    (
        "used",
        "Share that was used, at least",
        "Suspect images beyond what held-out ones show must have been used. There is no upper end.",
    ),
)

FILES = (
    ("scores.parquet", "A row an image: its score, and whether it counts."),
    ("units.parquet", "Which images came to their side together."),
    ("signals/", 'The run of the signals; "solidmark score" there judges each image.'),
)


def provenance_page(folder: Path, images: bool, top: int) -> Page:
    """The page of a `provenance` run, as a `Maker` of pages."""
    results = open_results(folder, left_out=dict)
    require_scored(folder)
    told = results.facts["control"]
    control = None if told is None else control_from(told)
    whole = [one for one in results.figures if one.measure == "provenance"]
    each = [one for one in find(results.figures, "auc", AGAINST) if one not in whole]
    notes = tuple(
        f"{title_of(name)} was left out: {why}" for name, why in results.facts["left_out"].items()
    )
    tables = [table_of_figures("All signals together", whole, WORDS)]
    if each:
        tables.append(_each(each, notes))
    used = {one.statistic for one in results.figures}
    about = {"Model": "model", "Suspect images": "images", "Held-out": "held_out"}
    return page_of(
        results,
        "Were these images used for training?",
        about,
        (
            *_scores(folder),
            Figures("figures", "The test of the set", tables=tuple(tables), link="Test"),
            control_section(folder / SIGNALS, control, images, True, SIDES),
            glossary(("auc", "interval", "chance"), used, 0.05, TELLS),
            made(results, files=FILES),
        ),
    )


def _scores(folder: Path) -> tuple[Plots, ...]:
    """Where the images of both sides lie; nothing where none has a score."""
    again = f'Run "solidmark score {folder}" again.'
    rows = read_table(folder / "scores.parquet", SCORES, again).to_pylist()
    sides = {"suspect": LOOK["trained"], "held_out": LOOK["held_out"]}
    found = {
        side: np.array([r["score"] for r in rows if r["split"] == side and r["score"] is not None])
        for side in sides
    }
    if not all(map(len, found.values())):
        return ()
    edges = np.histogram_bin_edges(np.concatenate(list(found.values())), 24)

    def paint(axes: Any) -> None:
        for side, (colour, line, _) in sides.items():
            share = np.histogram(found[side], edges)[0] / len(found[side])
            label = f"{side.replace('_', '-')} (n = {len(found[side]):,})"
            axes.stairs(share, edges, color=colour, ls=line, lw=1.6, label=label)
            if side == "suspect":
                axes.stairs(share, edges, color=colour, alpha=0.15, lw=0, fill=True)
        axes.set(xlabel="score of an image, high = trained on", ylabel="share of the images")
        axes.set_ylim(bottom=0)
        legend(axes)

    drawn: Drawing = drawing(
        paint,
        "scores",
        "Scores of both sides",
        "Images that were not used lie where held-out ones do. A shift to the right is what the "
        "test sees; a score names no image.",
    )
    return (Plots("curves", "Scores", groups=(("", (drawn,)),)),)


def _each(figures: list[Figure], notes: tuple[str, ...]) -> Table:
    """What each signal says alone, and how much it counts."""
    heads = (Cell("Signal"), Cell("Alone (area)"), Cell("Weight"))
    lines = tuple(
        Line(
            title_of(one.measure),
            (cell_of(one, WORDS), Cell(plain(one.number("weight") or 0.0, 3))),
        )
        for one in figures
    )
    return Table("The signals", heads, lines, notes)
