"""One image at a time against an index of the training set: pass or refuse."""

from solidmark.measures.guard.calibration import parse_thresholds
from solidmark.measures.guard.guard import Guard, open_index
from solidmark.measures.guard.index import Indexing, build_index, index_lines
from solidmark.measures.guard.verdict import Unread, Verdict, outcome_of

__all__ = [
    "Guard",
    "Indexing",
    "Unread",
    "Verdict",
    "build_index",
    "index_lines",
    "open_index",
    "outcome_of",
    "parse_thresholds",
]
