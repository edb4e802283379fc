"""The page of `compare`: what changed between two audits of the same images."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from solidmark.measures.audit.comparing import CHANGES, SPLITS, lost
from solidmark.page.comparison import captions_of, made, page_of, proof_of, shortened
from solidmark.page.drawing import INK, LOOK, Drawing, drawing, legend
from solidmark.page.marked import Marked, open_marked
from solidmark.page.pictures import IN_CARD, embed
from solidmark.page.sections import (
    Card,
    Cell,
    Figures,
    Gallery,
    Line,
    Page,
    Plots,
    Reading,
    Shown,
    Table,
)
from solidmark.page.tabled import SHARES, digits
from solidmark.runs import Figure, Results, open_results, read_manifest, read_table
from solidmark.scores.written import p_value, percent
from solidmark.verdicts.readers import reader

DOTS = 2000
"""More dots than these say no more and weigh down the page: those that changed most are kept."""

NAMES = {
    "named": "Named",
    "distance": "Distance to the true key, mean",
    "p_value": "p, mean",
    "permutation_z": "All keys together (z)",
}
HEADS = ("First run", "Second run", "Difference")
IN_SHARES = SHARES | {"named"}

WAYS = {
    (True, False): "named in the first run only",
    (False, True): "named in the second run only",
    (True, True): "named in both runs",
}


@dataclass(frozen=True)
class _Compared:
    """A comparison, read.

    Arguments:
        results: Its figures and its verdict.
        changes: By id and reader, what was read of each trained image.
        table: The same of all splits, as Arrow's table.
        marked: The marked folder with the pictures, or why it cannot be used.
    """

    results: Results
    changes: Mapping[str, Mapping[str, Mapping[str, Any]]] = field(repr=False)
    table: Any = field(repr=False)
    marked: Marked

    @property
    def readers(self) -> list[str]:
        """The readers, in the order of the figures."""
        return list(dict.fromkeys(str(one.reader) for one in self.results.figures))


def compare_page(folder: Path, images: bool, top: int) -> Page:
    """The page of `compare --out`, as a `Maker` of pages."""
    manifest = read_manifest(folder, "compare")
    again = 'Run "solidmark compare" again.'
    table = read_table(folder / "changes.parquet", CHANGES, again)
    changes: dict[str, dict[str, Any]] = {}
    for row in table.to_pylist():
        if row["split"] == "trained":
            changes.setdefault(row["id"], {})[row["reader"]] = row
    marked = open_marked(folder, manifest)
    run = _Compared(open_results(folder, again), changes, table, marked)
    results = run.results
    order = sorted(run.changes, key=lambda id: (-_change(run.changes[id]), id))[:top]
    about = run.marked.describe(order) if images else {}
    cards = [_card(run, id, about.get(id, {}), images) for id in order]
    said = (
        f"{len(cards):,} of {len(run.changes):,} trained images. Above 0: read further from the "
        "truth in the second run; below 0: nearer.",
    )
    drawings = tuple(_scatter(run, name) for name in run.readers)
    differs = results.facts.get("differs") or {}
    return page_of(
        results,
        "What changed between the two runs?",
        {"First": "first", "Second": "second"},
        (
            Gallery(
                "images",
                "The images that changed most",
                said if cards else (),
                lists=tuple(shortened(cards)),
                empty="No trained image was read in both runs.",
                link="Images",
            ),
            Plots(
                "curves",
                "Image by image",
                groups=(("", drawings),) if len(run.table) else (),
                link="Curves",
            ),
            Figures("figures", "All figures", tables=tuple(_tables(results)), folded=True),
            made(results, tuple(lost(results.figures) or ["Every row was compared."])),
        ),
        ((f"Differs: {name}", f"{one} / {other}") for name, (one, other) in differs.items()),
        proof=proof_of(cards, "Those that changed most:"),
        notes=(f"The pictures cannot be shown: {run.marked.missing}",)
        if images and run.marked.missing
        else (),
    )


def _change(rows: Mapping[str, Mapping[str, Any]]) -> float:
    return max(abs(row["difference"]) for row in rows.values())


def _card(run: _Compared, id: str, about: Mapping[str, str], images: bool) -> Card:
    """An image, and how far its keys are read from the truth in both runs."""
    shown = embed(run.marked.folder, run.marked.files.get(id), IN_CARD)
    readings = [
        Reading(
            reader(name).title,
            (
                ("first", digits(row["first"])),
                ("second", digits(row["second"])),
                ("difference", digits(row["difference"])),
            ),
            said=WAYS.get((row["named_first"], row["named_second"]), ""),
        )
        for name, row in run.changes[id].items()
    ]
    return Card(
        id,
        captions_of(about),
        (Shown(shown, "", id),) if images else (),
        readings=tuple(readings),
    )


def _scatter(run: _Compared, name: str) -> Drawing:
    """A dot an image: its distance in the first run, and in the second."""
    title = reader(name).title
    rows = [row for row in run.table.to_pylist() if row["reader"] == name]

    def paint(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=(0, (1, 3)))
        for split in ("held_out", "trained"):
            colour, _, marker = LOOK[split]
            own = [row for row in rows if row["split"] == split]
            own = sorted(own, key=lambda row: -abs(row["difference"]))[:DOTS]
            if own:
                face = {"mfc": "none"} if marker == "o" else {}
                label = f"{SPLITS[split].lower()} (n = {len(own):,})"
                sides = (np.array([row[side] for row in own]) for side in ("first", "second"))
                axes.plot(*sides, marker, color=colour, ms=4, label=label, **face)
        axes.set(xlabel="distance to the true key, first run", ylabel="second run")
        legend(axes)

    return drawing(
        paint,
        f"change-{name}",
        f"{title}: first run against second",
        "Above the dotted line: read further from the truth in the second run. Held-out images "
        "show what changes without memory.",
    )


def _tables(results: Results) -> list[Table]:
    """A table a reader and split: both runs, and the difference."""
    parts: dict[tuple[str, str], list[Figure]] = {}
    for one in results.figures:
        parts.setdefault((str(one.reader), one.split), []).append(one)
    return [
        Table(
            f"{reader(name).title}: {SPLITS.get(split, split).lower()} images",
            (Cell("Figure", (f"n = {some[0].n or 0:,}",)), *map(Cell, HEADS)),
            tuple(_line(one) for one in some),
            tuple(dict.fromkeys(one.note for one in some if one.note)),
        )
        for (name, split), some in sorted(parts.items(), key=lambda part: _place(*part[0]))
    ]


def _place(name: str, split: str) -> tuple[str, int]:
    return name, list(SPLITS).index(split) if split in SPLITS else len(SPLITS)


def _line(one: Figure) -> Line:
    share = one.statistic in IN_SHARES

    def side(name: str) -> Cell:
        value = one.number(name)
        return Cell("–" if value is None else percent(value) if share else digits(value))

    def signed(value: float | None) -> str:
        if value is None:
            return "–"
        text = f"{100 * value:.1f}" if share else digits(value)
        return f"{'+' if value > 0 else ''}{text}".replace("-", "−")

    unit = " points" if share else ""
    facts = []
    if one.interval is not None:
        low, high = one.interval
        facts.append(f"95 % interval {signed(low)} to {signed(high)}{unit}")
    if one.p_value is not None:
        facts.append(f"{p_value(one.p_value)}, {one.facts.get('test')}")
    return Line(
        f"Read within {one.delta:g}" if one.delta else NAMES.get(one.statistic, one.statistic),
        (side("first"), side("second"), Cell(signed(one.value) + unit, tuple(facts))),
        f"{one.unit}; {one.direction} = memorized",
    )
