"""The words of the page of a `nearest` run: its measures, its splits, how to read its numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from solidmark.cards import DISTANCES, asks_of, title_of
from solidmark.report.numbers import percent
from solidmark.scores import Direction


@dataclass(frozen=True)
class Measure:
    """A way to compare two images.

    Arguments:
        name: As in the tables.
        title: On the page.
        asks: What it asks of two pictures, and what it is blind to.
        direction: Which side is close, on the scale that is reported: "low" or "high".
        unit: Of that scale.
        card: What the results say of it.
    """

    name: str
    title: str
    asks: str
    direction: Direction
    unit: str
    card: Mapping[str, Any]

    @property
    def is_similarity(self) -> bool:
        return self.direction == "high"

    @property
    def scale(self) -> str:
        """The scale in words, with its direction."""
        if "scale" in self.card:
            return str(self.card["scale"])
        return "similarity, high = close" if self.is_similarity else "distance, low = close"

    def reported(self, distance: float) -> float:
        """A distance on the scale that is reported."""
        return 1 - distance if self.is_similarity else distance


MONOCHROME = tuple(DISTANCES)
"""The distances of the monochrome study."""


def measure_of(name: str, card: Mapping[str, Any]) -> Measure:
    """The words for a measure; one that the page does not know keeps its name."""
    direction: Direction = "high" if card.get("direction") == "high" else "low"
    unit = str(card.get("unit") or "")
    return Measure(name, title_of(name), asks_of(name), direction, unit, card)


ROLES = {
    "generated": "Generation to training images",
    "null": "Held-out image to training images",
    "trained": "Training image to generations",
    "held_out": "Held-out image to generations",
}
"""Which image is compared with which others, by split."""

GLOSSARY = (
    (
        "generation",
        "Generation",
        "A picture that the model drew. Its score is how close its nearest training image is.",
    ),
    (
        "null",
        "Fresh images, the null",
        "Images of the same kind that the model never saw (held out). How close they come to the "
        "training images is how close one comes without copying. Without them no distance can be "
        "judged: on a set of portraits everything is close.",
    ),
    (
        "distance",
        "Distance",
        "How far an image is from its nearest on the other side. Low = close. For embedders it is "
        "1 minus the similarity.",
    ),
    (
        "similarity",
        "Similarity",
        "How alike an embedder finds two pictures, from −1 to 1. High = close.",
    ),
    (
        "low_content",
        "Low content",
        "A picture nearly of one colour: its pixels vary by less than 0.1 (standard deviation "
        "round the mean of each channel; black and white in halves have 0.5). It is near to many "
        "pictures by l2 that it is no copy of.",
    ),
    (
        "p_value",
        "p",
        "How often a fresh image comes at least as close, counted on the held-out ones: with m of "
        "them it is never below 1 in m + 1. Low = closer than chance.",
    ),
    (
        "q_value",
        "q",
        "p corrected for looking at many images: the false-discovery rate of a list that ends with "
        "this one. Of the images with q at most {fdr}, about {percent} or fewer are there by luck.",
    ),
    (
        "named",
        "Named",
        "How many have q at most {fdr}, the false-discovery rate chosen for this run, so that one "
        "may point at them one by one.",
    ),
    (
        "eidetic",
        "Within a threshold (eidetic)",
        "How many are at least as close as a threshold. Thresholds of papers were chosen for other "
        "data and do not carry over; the calibrated ones are passed by a known share of fresh "
        "images. High means memorized; compare it with chance, never with zero.",
    ),
    (
        "threshold",
        "Calibrated threshold",
        "How close the given share of fresh images comes on this very set.",
    ),
    (
        "percentile",
        "Percentile",
        "The 95th percentile of the close side: one image in twenty is closer. It says nothing "
        "about how close those are, so it may stay where it is while copies come or go.",
    ),
    ("closest", "Closest", "The one that is closest of all. One picture decides it."),
    (
        "auc",
        "AUC",
        "The chance that an image in question is closer than one of the null. 0.5 is a coin toss, "
        "1 is perfect separation.",
    ),
    (
        "tpr_at_fpr",
        "Detections at a false-alarm rate",
        "The share that is caught when so few of the null are wrongly caught. High means "
        "memorized; the false-alarm rate itself is chance.",
    ),
    (
        "augmented",
        "Recognises changed copies",
        "The share of changed copies of training images (recompressed, cropped, mirrored, ...) "
        "that the measure still tells from strangers. What it misses here it misses among "
        "generations too.",
    ),
    (
        "authpct",
        "AuthPct",
        "The share of generations that are further from their nearest training image than that "
        "one is from its own nearest. High = authentic; low speaks of copying.",
    ),
    (
        "ct",
        "C_T",
        "Whether generations are nearer to training images than held-out images are, in standard "
        "deviations. Clearly below 0 speaks of copying, above 0 of a model that fits poorly.",
    ),
    (
        "mifid",
        "MiFID",
        "The Fréchet distance between generations and data, made worse where generations lie too "
        "near to training images. Low is good.",
    ),
    (
        "interval",
        "95 % interval",
        "The range in which the true value lies in 95 of 100 runs like this one. Fewer images, "
        "wider interval.",
    ),
    (
        "chance",
        "Chance",
        "What the same number is on the fresh images: what is to be expected where nothing is "
        "copied.",
    ),
)
"""Anchor, term, explanation; `{fdr}` stands for the chosen false-discovery rate."""


def glossary(fdr: float, used: set[str]) -> list[tuple[str, str, str]]:
    """The glossary of a run: anchor, term, explanation.

    Arguments:
        fdr: The false-discovery rate at which its rows are named.
        used: The statistics of the run; explanations of other statistics are left out.
    """
    rate = {"fdr": f"{fdr:g}", "percent": percent(fdr)}
    optional = {"augmented", "authpct", "ct", "mifid", "auc", "tpr_at_fpr", "threshold"} - used
    return [
        (anchor, term, meaning.format(**rate))
        for anchor, term, meaning in GLOSSARY
        if anchor not in optional
    ]
