"""Generations against the training set: the jobs."""

from solidmark.nearest.attack import score_inpainting
from solidmark.nearest.comparison import NULLS, Comparison
from solidmark.nearest.groups import (
    Clique,
    Deduplication,
    Extraction,
    cliques,
    duplicates,
    largest_clique,
)
from solidmark.nearest.guarding import (
    RULES,
    Closeness,
    Guard,
    Indexing,
    Unread,
    Verdict,
    build_index,
    open_index,
    parse_thresholds,
)
from solidmark.nearest.nearest import nearest
from solidmark.nearest.scoring import score_nearest
from solidmark.nearest.sides import Sides, open_side, open_sides

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
