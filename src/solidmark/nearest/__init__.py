"""Generations against the training set: the jobs."""

from solidmark.nearest.attack import score_inpainting
from solidmark.nearest.calibration import parse_thresholds
from solidmark.nearest.clique import Clique, largest_clique
from solidmark.nearest.cliques import cliques
from solidmark.nearest.comparison import NULLS, Comparison
from solidmark.nearest.deduplication import Deduplication
from solidmark.nearest.duplicates import duplicates
from solidmark.nearest.extraction import Extraction
from solidmark.nearest.guard import Guard, Unread, open_index
from solidmark.nearest.index import Indexing, build_index
from solidmark.nearest.nearest import nearest
from solidmark.nearest.scoring import score_nearest
from solidmark.nearest.sides import Sides, open_side, open_sides
from solidmark.nearest.verdict import RULES, Closeness, Verdict

__all__ = [
    "NULLS",
    "RULES",
    "Clique",
    "Closeness",
    "Comparison",
    "Deduplication",
    "Extraction",
    "Guard",
    "Indexing",
    "Sides",
    "Unread",
    "Verdict",
    "build_index",
    "cliques",
    "duplicates",
    "largest_clique",
    "nearest",
    "open_index",
    "open_side",
    "open_sides",
    "parse_thresholds",
    "score_inpainting",
    "score_nearest",
]
