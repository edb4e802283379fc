"""The figures of a `signals` run: values beside those of held-out images, and all ROC curves."""

from itertools import cycle
from typing import Any

import numpy as np
from jaxtyping import Float

from solidmark.report.drawing import BLUE, GREEN, INK, ORANGE, Drawing, drawing, legend
from solidmark.report.numbers import percent, plain
from solidmark.report.pairs.plots import thresholds
from solidmark.report.pairs.words import Measure
from solidmark.report.signals.run import SignalsRun
from solidmark.scores.curves import roc

DOTS = 400
"""More dots than these say no more and weigh down the page."""

WIDE = 20
"""Values that span this many times their smallest are drawn on a logarithmic axis."""

LINES = ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-."), (INK, ":"), (BLUE, "--"), (ORANGE, "-"))


def drawings_of(signals: SignalsRun) -> list[Drawing]:
    """All figures: a strip a signal, and the ROC of all that have held-out values."""
    shown = [one for one in signals.measures if signals.run.count(one.name, "trained")]
    judged = [one for one in shown if signals.run.count(one.name, "held_out")]
    found = [_strip(signals, one) for one in shown]
    return [_rocs(signals, judged), *found] if judged else found


def _strip(signals: SignalsRun, measure: Measure) -> Drawing:
    """A dot an image, the splits below one another, with the calibrated thresholds."""
    sides = [(split, _values(signals, measure, split)) for split in ("held_out", "trained")]
    both = np.concatenate([values for _, values in sides])
    wide = bool(both.min() > 0 and both.max() > WIDE * both.min())
    lines = thresholds(signals.run, measure, "trained")
    called = {"trained": "trained", "held_out": "held out"}

    def paint(axes: Any) -> None:
        for level, (split, values) in enumerate(sides):
            colour, marker = (BLUE, "o") if split == "trained" else (ORANGE, "x")
            # The extremes are what matters: thinned are those in the middle.
            kept = values[_spaced(len(values))]
            jitter = np.random.default_rng(level).uniform(-0.28, 0.28, len(kept))
            face = {"mfc": "none"} if marker == "o" else {}
            name = f"{called[split]} (n = {len(values):,})"
            axes.plot(kept, level + jitter, marker, color=colour, ms=4, label=name, **face)
            if len(values):
                middle = float(np.median(values))
                axes.plot([middle, middle], [level - 0.4, level + 0.4], color=INK, lw=1.6)
        for (value, fpr), dashes in zip(lines, cycle(("-.", ":")), strict=False):
            name = f"threshold at {percent(fpr)}"
            axes.axvline(value, color=GREEN, ls=dashes, lw=1.4, label=name)
        if wide:
            axes.set_xscale("log")
        axes.set(yticks=[], ylim=(-0.6, 1.6), xlabel=_axis(measure))
        axes.spines["left"].set_visible(False)
        legend(axes)

    what = "prompts" if signals.of_prompts(measure.name) else "images"
    side = "left" if measure.direction == "low" else "right"
    return drawing(
        paint,
        f"{measure.name}-values",
        f"{measure.title}: trained {what} beside held-out ones",
        f"Further to the {side} = more memorized. The bars are medians; up and down means nothing.",
    )


def _rocs(signals: SignalsRun, measures: list[Measure]) -> Drawing:
    def paint(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], color=INK, lw=0.8, ls=(0, (1, 3)))
        for measure, (colour, line) in zip(measures, cycle(LINES), strict=False):
            found = roc(*(signals.run.distances(measure.name, s) for s in ("trained", "held_out")))
            rows = signals.run.find(measure.name, "trained_vs_held_out", "auc")
            area = "" if not rows else f", {plain(float(rows[0]['value']))}"
            name = f"{measure.title}{area}"
            axes.plot(*found, color=colour, ls=line, lw=1.6, label=name)
        axes.set(xlabel="false alarms among held-out images", ylabel="trained images detected")
        axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.01))
        axes.legend(loc="lower right", fontsize=7)

    return drawing(
        paint,
        "roc",
        "All signals: detections against false alarms",
        "The higher above the dotted diagonal, the better than a coin toss. The number is the "
        "area, 0.5 by chance. The left end counts: few false alarms.",
    )


def _axis(measure: Measure) -> str:
    """The unit in the figure: in two lines where it is long."""
    unit = str(measure.card.get("unit") or "value")
    words = f"{unit}, {measure.direction} = memorized"
    if len(words) < 60:
        return words
    middle = min(
        (place for place, letter in enumerate(words) if letter == " "),
        key=lambda place: abs(place - len(words) // 2),
    )
    return f"{words[:middle]}\n{words[middle + 1 :]}"


def _values(signals: SignalsRun, measure: Measure, split: str) -> Float[np.ndarray, " N"]:
    """The values as they are reported, the most suspicious first."""
    distances = signals.run.distances(measure.name, split)
    return 1 - distances if measure.is_similarity else distances


def _spaced(count: int) -> Any:
    """All places, or the ends and evenly spaced ones between."""
    if count <= DOTS:
        return np.arange(count)
    ends = np.arange(DOTS // 4)
    middle = np.linspace(DOTS // 4, count - 1 - DOTS // 4, DOTS // 2).astype(int)
    return np.concatenate([ends, middle, count - 1 - ends])
