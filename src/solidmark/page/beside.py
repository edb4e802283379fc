"""Figures of a comparison: values beside those of the null, and detections against false alarms."""

from collections.abc import Sequence
from itertools import cycle
from typing import Any

import numpy as np

from solidmark.page.drawing import BLUE, GREEN, INK, ORANGE, Drawing, drawing, legend
from solidmark.page.scored import Measure, Scored
from solidmark.scores.curves import roc
from solidmark.scores.written import percent, plain

DOTS = 400
"""More dots than these say no more and weigh down the page."""

WIDE = 20
"""Values that span this many times their smallest are drawn on a logarithmic axis."""

LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (INK, ":"), (BLUE, "--"), (ORANGE, "-"))


def strip(run: Scored, measure: Measure, split: str) -> Drawing:
    """A dot an image, in question and of the null below one another, with calibrated thresholds.

    Arguments:
        run: The run.
        measure: The measure.
        split: The split in question, of which there are scored rows.
    """
    sides = [(one, run.values(measure, one)) for one in (run.null[split], split)]
    both = np.concatenate([values for _, values in sides])
    # A logarithm draws what is small apart: the suspicious side must be that.
    wide = measure.direction == "low" and 0 < WIDE * both.min() < both.max()
    lines = thresholds(run, measure, split)

    def paint(axes: Any) -> None:
        for level, (one, values) in enumerate(sides):
            if not len(values):
                continue
            colour, marker = (BLUE, "o") if one == split else (ORANGE, "x")
            # The extremes are what matters: thinned are those in the middle.
            kept = values[_spaced(len(values))]
            jitter = np.random.default_rng(level).uniform(-0.28, 0.28, len(kept))
            face = {"mfc": "none"} if marker == "o" else {}
            name = f"{run.splits[one].lower()} (n = {len(values):,})"
            axes.plot(kept, level + jitter, marker, color=colour, ms=4, label=name, **face)
            middle = float(np.median(values))
            axes.plot([middle, middle], [level - 0.4, level + 0.4], color=INK, lw=1.6)
        for (value, fpr), dashes in zip(lines, cycle(("-.", ":")), strict=False):
            axes.axvline(
                value, color=GREEN, ls=dashes, lw=1.4, label=f"threshold at {percent(fpr)}"
            )
        if wide:
            axes.set_xscale("log")
            axes.tick_params(axis="x", which="minor", labelbottom=False)
        axes.set(yticks=[], ylim=(-0.6, 1.6), xlabel=_axis(measure))
        axes.spines["left"].set_visible(False)
        legend(axes)

    side = "left" if measure.direction == "low" else "right"
    return drawing(
        paint,
        f"{measure.name}-{split}",
        f"{measure.title}: {run.splits[split].lower()}, beside chance",
        f"Further to the {side} = more suspicious. The bars are medians; up and down means nothing."
        if len(sides[0][1])
        else "There is nothing to compare with, so no value is high or low.",
    )


def rocs(run: Scored, split: str = "trained") -> Drawing | None:
    """The detections of all measures against false alarms; None where nothing is compared."""
    null = run.null[split]
    judged = [m for m in run.measures if run.count(m.name, split) and run.count(m.name, null)]
    if not judged:
        return None

    lines = []
    for measure in judged:
        sign = -1 if measure.is_similarity else 1
        found = roc(*(sign * run.values(measure, one) for one in (split, null)))
        figures = run.figures(measure.name, "auc", f"{split}_vs_{null}")
        area = f", {plain(figures[0].value)}" if figures and figures[0].value else ""
        lines.append((f"{measure.title}{area}", *found))
    title = f"{run.splits[split]}: detections against false alarms"
    return detections("roc", title, lines, "The number is the area, 0.5 by chance. ")


def detections(
    name: str, title: str, lines: Sequence[tuple[str, Any, Any]], said: str = ""
) -> Drawing:
    """Detections against false alarms (ROC).

    Arguments:
        name: The file name of the figure.
        title: What it shows.
        lines: What each line is called, its false alarms and its detections.
        said: What else must be known.
    """

    def paint(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=(0, (1, 3)))
        for (label, alarms, caught), (colour, line) in zip(lines, cycle(LINES), strict=False):
            axes.plot(alarms, caught, color=colour, ls=line, lw=1.6, label=label)
        axes.set(xlabel="false alarms", ylabel="detected")
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.legend(loc="lower right", fontsize=7)

    return drawing(
        paint,
        name,
        title,
        "The higher above the dotted diagonal, the better than a coin toss. "
        f"{said}The left end counts: few false alarms.",
    )


def thresholds(run: Scored, measure: Measure, split: str) -> Sequence[tuple[float, float]]:
    """The calibrated thresholds that a split is counted within, each with its rate."""
    counts = run.figures(measure.name, "eidetic", split)
    return [(one.threshold, one.fpr) for one in counts if one.threshold is not None and one.fpr]


def _axis(measure: Measure) -> str:
    """The scale in the figure: in two lines where it is long."""
    words = measure.scale
    if len(words) < 60:
        return words
    spaces = [place for place, letter in enumerate(words) if letter == " "]
    middle = min(spaces, key=lambda place: abs(place - len(words) // 2))
    return f"{words[:middle]}\n{words[middle + 1 :]}"


def _spaced(count: int) -> Any:
    """All places, or the ends and evenly spaced ones between."""
    if count <= DOTS:
        return np.arange(count)
    ends = np.arange(DOTS // 4)
    middle = np.linspace(DOTS // 4, count - 1 - DOTS // 4, DOTS // 2).astype(int)
    return np.concatenate([ends, middle, count - 1 - ends])
