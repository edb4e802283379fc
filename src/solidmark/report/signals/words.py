"""The words of the page of a `signals` run: what each signal asks, how to read its numbers."""

from collections.abc import Mapping
from typing import Any

from solidmark.cards import SIGNALS, asks_of
from solidmark.report.pairs.words import Measure, measure_of
from solidmark.report.pairs.words import glossary as glossary_of_distances

ORDER = tuple(SIGNALS)
"""The signals in the order of the page; others come after them."""

QUESTIONS = (
    ("Trained images against held-out ones", ("trained", "held_out"), "trained_vs_held_out"),
)
"""As `pairs.tables` has them: title, the splits side by side, the comparison of both."""


def measure(name: str, card: Mapping[str, Any]) -> Measure:
    """The words for a signal; one that the page does not know keeps its name."""
    direction = "high" if card.get("direction") == "high" else "low"
    unit = str(card.get("unit") or "value")
    scale = {"scale": f"{unit}, {direction} = memorized", "means": "memorized"}
    found = measure_of(name, {**card, **scale})
    return Measure(name, found.title, asks_of(name), found.direction, "", found.card)


_ABOVE = (
    (
        "signal",
        "Signal",
        "A number that a model gives away for a few network calls an image. It says where to look "
        "first; by itself no value is high or low.",
    ),
    (
        "null",
        "Held-out images, the null",
        "Images of the same kind that the model never saw. Whatever a signal says of those, it "
        "says without memory. If they differ in kind (plainer, sharper, from another source), the "
        "signal tells the kinds apart, and nothing about memory.",
    ),
    (
        "membership",
        "Trained on is not memorized",
        "A signal may tell that an image was trained on although no generation will ever show it. "
        "Reported successes of such attacks vanish on splits that are alike.",
    ),
    (
        "direction",
        "Direction",
        "Which side means memorized, as it was found for other models and data. An area "
        "clearly below 0.5 says that it does not hold here.",
    ),
    (
        "shared",
        "Counted once",
        "Images of equal pixels are one picture; for a signal of prompts, images of one prompt are "
        "one prompt. A held-out image that was trained on after all, or has a prompt that was, is "
        "left out.",
    ),
    (
        "low_content",
        "Low content",
        "A picture nearly of one colour: its pixels vary by less than 0.1 (standard deviation "
        "round the mean of each channel; the contrast in the table).",
    ),
    (
        "p_value",
        "p",
        "How often a held-out image has a value at least as suspicious: with m of them it is never "
        "below 1 in m + 1. Low = more suspicious than chance.",
    ),
    (
        "spearman",
        "Rank correlation",
        "Whether two signals order the trained images alike: 1 = the same order, 0 = nothing to do "
        "with each other, −1 = the opposite. Signals may agree on what is plain or busy instead of "
        "on what is memorized.",
    ),
)
_OTHERS = ("generation", "similarity", "distance", "augmented", "authpct", "ct", "mifid", "closest")
_BELOW = {
    "eidetic": "How many are at least as suspicious as a threshold that a known share of held-out "
    "images passes. High means memorized; compare it with chance, never with zero.",
    "threshold": "The value that the given share of held-out images passes on this very set.",
    "chance": "What the same number is on the held-out images: what is to be expected where "
    "training left no trace.",
    "auc": "The chance that a trained image looks more memorized than a held-out one. 0.5 is a "
    "coin toss, 1 is perfect separation.",
    "interval": "The range in which the true value lies in 95 of 100 runs like this one. Fewer "
    "images, wider interval.",
}
"""Where the page of pairs says it of generations."""


def glossary(fdr: float, used: set[str]) -> list[tuple[str, str, str]]:
    """The glossary of a run: anchor, term, explanation.

    Arguments:
        fdr: The false-discovery rate at which its rows are named.
        used: The statistics of the run; explanations of other statistics are left out.
    """
    above = {anchor for anchor, _, _ in _ABOVE}
    left_out = {*_OTHERS, "percentile"}
    rest = [
        (anchor, term, _BELOW.get(anchor, meaning))
        for anchor, term, meaning in glossary_of_distances(fdr, used)
        if anchor not in above and anchor not in left_out
    ]
    own = [entry for entry in _ABOVE if entry[0] != "spearman" or "spearman" in used]
    return [*own, *rest]
