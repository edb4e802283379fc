"""Measures of memorization: each asks a model about images, and says what the answers mean."""

from solidmark.measures.agreement import Agreement, Choice
from solidmark.measures.likeness import (
    TIE,
    EmbedderLikeness,
    Likeness,
    PixelLikeness,
    embedder_of,
    open_likeness,
    require_likeness,
    unrelated,
    weights_of,
)
from solidmark.measures.measure import Card, Evidence, Measure
from solidmark.measures.solidmark import SolidMark
from solidmark.measures.subjects import (
    SPLITS,
    MarkedSplit,
    Subjects,
    check_subjects_fit,
    choose,
    first_for,
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
    "check_subjects_fit",
    "choose",
    "embedder_of",
    "first_for",
    "open_likeness",
    "open_subject_model",
    "open_subjects",
    "require_likeness",
    "unrelated",
    "weights_of",
]
