"""The figures of a `nearest` run: how close, beside chance; and what a percentile does not see."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.report.drawing import BLUE, GREEN, INK, ORANGE, Drawing, drawing, legend
from solidmark.report.numbers import percent
from solidmark.report.pairs.run import NearestRun
from solidmark.report.pairs.words import Measure
from solidmark.scores.curves import thinned

BINS = 40
PERCENTILE = 95
POINTS = 2000
TICKS = 400
"""More points or ticks than these say no more and weigh down the page."""

_LABELS = {
    "generated": ("generations", "fresh images (null)"),
    "trained": ("training images", "held-out images"),
}
_TITLES = {
    "generated": "how close generations come to the training set",
    "trained": "how close generations come to each training image",
}


def distance_plots(run: NearestRun, measure: Measure) -> list[Drawing]:
    """The histograms of a measure: of the generations, and of the training images."""
    plots = []
    for split, null in (("generated", "null"), ("trained", "held_out")):
        if run.count(measure.name, split):
            plots.append(histogram(run, measure, (split, null), _TITLES[split]))
    return plots


def histogram(run: NearestRun, measure: Measure, splits: tuple[str, str], title: str) -> Drawing:
    """How close the images of a split are, beside those of its null.

    Arguments:
        run: The run.
        measure: The measure.
        splits: The split, whose rows were scored, and its null, of which there may be none.
        title: What is shown.
    """
    split, null = splits
    own, other = (_reported(run, measure, one) for one in (split, null))
    lines = thresholds(run, measure, split)
    both = np.concatenate([own, other])
    low, high = float(both.min()), float(both.max())
    edges = np.linspace(low, high if high > low else low + 1e-3, BINS + 1)
    labels = _LABELS[split]
    if run.null_is_training and split == "generated":
        labels = labels[0], "training images (null)"

    def paint(axes: Any) -> None:
        heights = []
        sides = ((other, ORANGE, "--", labels[1]), (own, BLUE, "-", labels[0]))
        for values, colour, line, label in sides:
            if not len(values):
                continue
            height = np.histogram(values, edges)[0] / len(values) / (edges[1] - edges[0])
            heights.append(height.max())
            name = f"{label} (n = {len(values):,})"
            axes.stairs(height, edges, color=colour, ls=line, lw=1.6, fill=False, label=name)
            if colour == BLUE:
                axes.stairs(height, edges, color=colour, alpha=0.15, lw=0, fill=True)
        for (value, fpr), dashes in zip(lines, cycle(("-.", ":")), strict=False):
            name = f"threshold at {percent(fpr)}"
            axes.axvline(value, color=GREEN, ls=dashes, lw=1.4, label=name)
        if lines:
            # A few copies among thousands have no height: each gets a tick.
            close = _close(own, measure, max(lines, key=lambda line: line[1])[0])
            ticks = close[thinned(len(close), TICKS)]
            axes.plot(ticks, np.full(len(ticks), -0.04 * max(heights)), "|", color=BLUE, ms=7)
        axes.set(xlabel=f"{measure.title}: {measure.scale}", ylabel="density")
        axes.axhline(0, color=INK, lw=0.6)
        legend(axes)

    ticks = " Ticks below the axis: those within the threshold." if lines else ""
    side = "left" if measure.direction == "low" else "right"
    return drawing(
        paint,
        f"{measure.name}-{split}",
        f"{measure.title}: {title}",
        f"The more the solid line lies to the {side} of the dashed one, the closer than chance. "
        "The area under each is 1." + ticks
        if len(other)
        else "Nothing to compare with: how close fresh images come is not known.",
    )


def percentile_plot(run: NearestRun, measure: Measure, threshold: float) -> Drawing:
    """The closest generations in their order, where the percentile looks, and a threshold.

    Arguments:
        run: The run.
        measure: The measure.
        threshold: Within it a generation counts as close, on the scale that is reported.
    """
    values = _reported(run, measure, "generated")
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


def thresholds(run: NearestRun, measure: Measure, split: str) -> list[tuple[float, float]]:
    """The calibrated thresholds that a null gives, as reported, each with its rate."""
    null = {"generated": "null", "trained": "held_out"}[split]
    return [
        (float(row["value"]), float(row["fpr"]))
        for row in run.find(measure.name, null, "threshold")
        if row.get("value") is not None
    ]


def _reported(run: NearestRun, measure: Measure, split: str) -> Float[np.ndarray, " N"]:
    """The values as they are reported, the closest first."""
    distances = run.distances(measure.name, split)
    return 1 - distances if measure.is_similarity else distances


def _close(
    values: Float[np.ndarray, " N"], measure: Measure, threshold: float
) -> Float[np.ndarray, " n"]:
    return values[values >= threshold if measure.is_similarity else values <= threshold]


def drawings_by_measure(run: NearestRun) -> dict[str, Sequence[Drawing]]:
    """The histograms of every measure."""
    return {measure.name: distance_plots(run, measure) for measure in run.measures}
