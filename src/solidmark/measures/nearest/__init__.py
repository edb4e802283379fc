"""Generations against the training set: which training images come back."""

from solidmark.measures.nearest.comparison import Comparison
from solidmark.measures.nearest.judged import told
from solidmark.measures.nearest.judging import Recorded, checked, judge, read_judgements
from solidmark.measures.nearest.nearest import nearest
from solidmark.measures.nearest.scoring import score_nearest
from solidmark.measures.nearest.sides import open_side, open_sides

__all__ = [
    "Comparison",
    "Recorded",
    "checked",
    "judge",
    "nearest",
    "open_side",
    "open_sides",
    "read_judgements",
    "score_nearest",
    "told",
]
