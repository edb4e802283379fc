"""What the distances of a run can be trusted with: plain pictures, percentiles, changed copies."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from solidmark.cards import DISTANCES
from solidmark.measures.nearest.words import CHANGES, WORDS
from solidmark.page.beside import thresholds
from solidmark.page.drawing import BLUE, GREEN, ORANGE, Drawing, drawing, legend
from solidmark.page.pictures import Picture
from solidmark.page.scored import Measure, Row, Scored
from solidmark.page.sections import Card, Cards, Cell, Figures, Gallery, Line, Plots, Shown, Table
from solidmark.page.tabled import cell_of, digits
from solidmark.runs import Figure, find
from solidmark.scores import percentile_blindness
from solidmark.scores.percentiles import Direction
from solidmark.scores.written import percent

PERCENTILE = 95
POINTS = 2000
"""More points than these say no more and weigh down the page."""

FEW_TOLD = 0.5
"""Below this share of changed copies a measure is called blind to the change."""


def plain_hits(run: Scored, shown: Callable[[Row], Picture | None]) -> Gallery | None:
    """Do l2 distances take pictures of nearly one colour for copies?

    Plain, modified and patched l2 side by side, each with its strongest hits, as in figures 2 and 4
    of SolidMark (Kriplani et al., 2025), where most of these were blurry and of one colour.

    Arguments:
        shown: The picture of a generation; None on a page without pictures.

    Returns:
        None where no l2 distance was asked for; folded where none is fooled.
    """
    cards = []
    counts = {one.measure: one for one in find(run.results.figures, "low_content") if one.n}
    asked = {one.name: one for one in run.measures if one.name in counts}
    fooled = False
    for measure in (asked[name] for name in DISTANCES if name in asked):
        one = counts[measure.name]
        fooled |= 2 * (one.count or 0) >= (one.n or 0)
        cards.append(
            Card(
                f"{measure.title}: {cell_of(one, WORDS).value} of low content",
                strip=tuple(
                    Shown(shown(row), _hit(measure, row), row.id, outlined=row.is_plain)
                    for row in run.rows(measure.name, "generated", first=one.n)
                ),
            )
        )
    if not cards:
        return None
    share = percent(next(iter(counts.values())).chance or 0.0)
    return Gallery(
        "monochrome",
        "Are the hits plain pictures?",
        (
            "The strongest hits of each distance; those of low content are framed. Of all "
            f"generations {share} are nearly of one colour, near to many images that they "
            "are no copy of. Where most hits are such, go by another distance, or by an embedder "
            "(--distance sscd).",
        ),
        folded=not fooled,
        link="Plain pictures",
        lists=(Cards("", tuple(cards), wide=True, numbered=False),),
    )


def _hit(measure: Measure, row: Row) -> str:
    value = digits(None if row.distance is None else measure.reported(row.distance))
    return f"{value} · low" if row.is_plain else value


def percentile_section(run: Scored) -> Plots:
    """Where the 95th percentile overlooks generations that a threshold counts."""
    found = [spot for one in run.measures if (spot := _blind_spot(run, one))]
    return Plots(
        "percentile",
        f"What the {PERCENTILE}th percentile does not see",
        (
            f"The {PERCENTILE}th percentile is often reported as the score of a model. It does not "
            "tell a model that copies one picture in thirty from one that copies none.",
            *([said for said, _ in found] or ["Here nothing is overlooked."]),
        ),
        folded=True,
        link="Percentile",
        groups=(("", tuple(drawn for _, drawn in found)),) if found else (),
    )


def _blind_spot(run: Scored, measure: Measure) -> tuple[str, Drawing] | None:
    values = run.values(measure, "generated")
    counts = run.figures(measure.name, "eidetic", "generated")
    calibrated = [limit for limit, _ in thresholds(run, measure, "generated")]
    for limit in calibrated or [one.threshold for one in counts if one.threshold is not None]:
        said = percentile_blindness(values, limit, PERCENTILE, _side(measure))
        if said is not None:
            chance = next((one.chance for one in counts if one.threshold == limit), None)
            if chance is not None:
                said += f" (By chance about {chance * len(values):.2g} lie within it.)"
            return f"{measure.title}: {said}", _percentile_plot(measure, values, limit)
    return None


def _side(measure: Measure) -> Direction:
    return "high" if measure.is_similarity else "low"


def _percentile_plot(measure: Measure, values: Any, threshold: float) -> Drawing:
    """The closest generations in their order, where the percentile looks, and a threshold."""
    n = len(values)
    looks = (n - 1) * (1 - PERCENTILE / 100)
    value = float(np.interp(looks, np.arange(n), values))

    def paint(axes: Any) -> None:
        places = np.unique(np.geomspace(1, n, POINTS).astype(int)) - 1
        axes.axvspan(0.9, looks + 1, color=ORANGE, alpha=0.15, lw=0)
        axes.plot(places + 1, values[places], "-", color=BLUE, lw=1.6, label="generations")
        name = f"{PERCENTILE}th percentile"
        axes.plot([looks + 1], [value], "o", color=ORANGE, ms=7, mfc="none", mew=1.8, label=name)
        axes.axhline(threshold, color=GREEN, ls="-.", lw=1.4, label="threshold")
        axes.set(xscale="log", xlabel="rank, the closest first", ylabel=measure.scale)
        axes.set_xlim(0.9, max(n, 2))
        axes.xaxis.set_major_formatter("{x:,.0f}")
        legend(axes)

    return drawing(
        paint,
        f"{measure.name}-percentile",
        f"{measure.title}: what the {PERCENTILE}th percentile does not see",
        f"The circle is all that the {PERCENTILE}th percentile reads. Whatever the shaded 5 % to "
        "its left do, it stays where it is; a count within the threshold follows them.",
    )


def changed_copies(run: Scored) -> Figures | None:
    """Which changed copies of training images each measure still recognises; None if not asked."""
    found = _told(run)
    lines = (
        Line(
            CHANGES.get(change, change),
            tuple(cell_of(by[m.name], WORDS) if m.name in by else None for m in run.measures),
        )
        for change, by in found.items()
    )
    table = Table(
        "Changed copies of training images whose nearest is their original, closer than fresh "
        "images come (high = good)",
        (Cell("Copies"), *(Cell(one.title) for one in run.measures)),
        tuple(lines),
    )
    title = "Which changed copies are recognised"
    return (
        Figures("changed", title, tables=(table,), folded=True, link="Changed copies")
        if found
        else None
    )


def missed_copies(run: Scored) -> Iterator[str]:
    """Which changes hide a copy from a measure; one sentence for those that are blind alike."""
    lost: dict[str, list[str]] = {}
    for measure in run.measures:
        told = {change: by.get(measure.name) for change, by in _told(run).items()}
        missed = [
            CHANGES.get(change, change)
            for change, one in told.items()
            if one is not None and one.value is not None and one.value < FEW_TOLD
        ]
        if missed:
            lost.setdefault("; ".join(missed), []).append(measure.title)
    for changes, titles in lost.items():
        yield (
            f"{', '.join(titles)} cannot tell these copies from strangers on this set: {changes}. "
            "Generations that are such copies are missed too."
        )


def _told(run: Scored) -> dict[str, dict[str, Figure]]:
    """How many changed copies each measure recognises, by change and measure."""
    found: dict[str, dict[str, Figure]] = {}
    for one in find(run.results.figures, "augmented"):
        found.setdefault(str(one.facts.get("change") or "changed"), {})[one.measure] = one
    return found
