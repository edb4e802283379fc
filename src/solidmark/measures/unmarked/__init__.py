"""An audit without marks: several measures of the same images, one verdict, one page."""

from solidmark.measures.unmarked.configuration import MEASURES, Part, Unmarked
from solidmark.measures.unmarked.planning import plan_unmarked
from solidmark.measures.unmarked.running import audit_unmarked
from solidmark.measures.unmarked.scoring import combine, score_unmarked

__all__ = [
    "MEASURES",
    "Part",
    "Unmarked",
    "audit_unmarked",
    "combine",
    "plan_unmarked",
    "score_unmarked",
]
