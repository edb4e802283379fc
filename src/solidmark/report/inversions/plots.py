"""The figures of an `invmm` run: scores beside chance, ROC, and similarity against KL."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from solidmark.report.drawing import BLUE, GREEN, GREY, INK, ORANGE, Drawing, drawing, legend
from solidmark.report.inversions.facts import InversionFacts
from solidmark.report.inversions.records import Row
from solidmark.report.inversions.run import InversionsRun
from solidmark.report.inversions.words import SPLITS
from solidmark.scores import curves

LOOK = {"held_out": (ORANGE, "--", "x"), "trained": (BLUE, "-", "o")}
"""Colour, line and marker of each split: never told apart by colour alone."""

LEAST = 1e-5
"""A KL below this is drawn as this: a log scale has no zero."""


def draw(run: InversionsRun) -> list[Drawing]:
    """Draws every figure that the rows allow."""
    facts = InversionFacts(run)
    splits = {split: facts.scored(split) for split in LOOK}
    if not any(splits.values()):
        return []
    drawings = [_scores(splits), _found(run, splits)]
    if all(splits.values()):
        drawings.insert(1, _roc(splits))
    return [one for one in drawings if one is not None]


def _scores(splits: dict[str, list[Row]]) -> Drawing:
    def paint(axes: Any) -> None:
        for split, rows in splits.items():
            if not rows:
                continue
            colour, line, _ = LOOK[split]
            values = np.sort([row.score for row in rows if row.score is not None])
            places = np.concatenate([[0.0], values, [2.0]])
            share = np.concatenate([[0.0], np.arange(1, len(values) + 1) / len(values), [1.0]])
            name = f"{_label(split, rows)}{', chance' if split == 'held_out' else ''}"
            axes.step(places, share, line, where="post", color=colour, lw=1.6, label=name)
        axes.axvline(1, color=GREEN, ls="-.", lw=1.2)
        for x, side, text in ((0.97, "right", "reproduced"), (1.03, "left", "not reproduced")):
            axes.text(x, 1.02, text, ha=side, va="bottom", fontsize=7.5, color=INK)
        axes.set(xlabel="score (low = memorized)", ylabel="share with this score or a lower one")
        axes.set(xlim=(-0.02, 2.02), ylim=(-0.02, 1.1))
        legend(axes)

    return drawing(
        paint,
        "invmm-scores",
        "Scores of trained and of held-out images",
        "A solid line above the dashed one means memorized: more trained images than held-out ones "
        "have a score that low. The dashed line is chance. Left of the green line are the "
        "reproduced images, in the order of their KL.",
    )


def _roc(splits: dict[str, list[Row]]) -> Drawing:
    own, other = ([r.score for r in splits[s] if r.score is not None] for s in SPLITS)
    alarms, found = curves.roc(own, other)

    def paint(axes: Any) -> None:
        axes.plot([0, 1], [0, 1], ":", color=GREY, lw=1.6, label="chance")
        axes.step(alarms, found, where="post", color=BLUE, lw=1.6, label="by score")
        axes.set(xlabel="share of held-out caught (false alarms)")
        axes.set(ylabel="share of trained caught", aspect="equal")
        axes.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02))
        legend(axes)

    return drawing(
        paint,
        "invmm-roc",
        "Trained told apart from held-out (ROC)",
        "The nearer the line to the upper left corner, the better the score tells trained images "
        "from held-out ones. On the diagonal it does not.",
    )


def _found(run: InversionsRun, splits: dict[str, list[Row]]) -> Drawing | None:
    points = {split: _points(run, rows) for split, rows in splits.items()}
    if not any(points.values()):
        return None

    def paint(axes: Any) -> None:
        for split, some in points.items():
            if not some:
                continue
            colour, _, marker = LOOK[split]
            x, y = zip(*some, strict=True)
            name = _label(split, splits[split])
            axes.scatter(x, y, s=18, c=colour, marker=marker, alpha=0.75, lw=1, label=name)
        if run.needed is not None:
            axes.axvline(run.needed, color=GREEN, ls="-.", lw=1.2, label="needed")
        axes.set(yscale="log", xlabel="similarity of the least alike sample (high = alike)")
        axes.set(ylabel="KL (nats per dimension, low = memorized)")
        legend(axes)

    return drawing(
        paint,
        "invmm-found",
        "How alike the samples are, and how far the noise had to go",
        "Right of the green line an image is reproduced; the lower it lies there, the less its "
        "noise differs from ordinary noise. Left of it the KL is that at the end of the search.",
    )


def _points(run: InversionsRun, rows: Sequence[Row]) -> list[tuple[float, float]]:
    found = []
    for row in rows:
        one = run.best(row.name)
        kl = row.kl if row.kl is not None else one.kl_end if one is not None else None
        if kl is not None and row.best_similarity is not None:
            found.append((row.best_similarity, max(kl, LEAST)))
    return found


def _label(split: str, rows: Sequence[Row]) -> str:
    return f"{SPLITS[split].lower()} (n = {len(rows):,})"
