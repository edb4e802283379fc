"""Measures of memorization: each asks a model about images, and says what the answers mean."""

from solidmark.measures.agreement import Agreement, Choice
from solidmark.measures.likeness import (
    TIE,
    EmbedderLikeness,
    Likeness,
    PixelLikeness,
    embedder_of,
    open_likeness,
    unrelated,
    weights_of,
)
from solidmark.measures.measure import Card, Evidence, Measure
from solidmark.measures.solidmark import SolidMark
from solidmark.measures.subjects import (
    SPLITS,
    MarkedSplit,
    Subjects,
    choose,
    open_subject_model,
    open_subjects,
)

MEASURES: dict[str, type[SolidMark]] = {"solidmark": SolidMark}

__all__ = [
    "MEASURES",
    "SPLITS",
    "TIE",
    "Agreement",
    "Card",
    "Choice",
    "EmbedderLikeness",
    "Evidence",
    "Likeness",
    "MarkedSplit",
    "Measure",
    "PixelLikeness",
    "SolidMark",
    "Subjects",
    "choose",
    "embedder_of",
    "open_likeness",
    "open_subject_model",
    "open_subjects",
    "unrelated",
    "weights_of",
]
