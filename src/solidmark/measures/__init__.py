"""Measures of memorization: each asks a model about images, and says what the answers mean."""

from solidmark.measures.agreement import Agreement, Choice
from solidmark.measures.measure import Card, Evidence, Measure
from solidmark.measures.solidmark import SolidMark

MEASURES: dict[str, type[SolidMark]] = {"solidmark": SolidMark}

__all__ = [
    "MEASURES",
    "Agreement",
    "Card",
    "Choice",
    "Evidence",
    "Measure",
    "SolidMark",
]
