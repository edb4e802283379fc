"""One image at a time against an index of the training set: pass or refuse."""

from solidmark.measures.guard.calibration import parse_thresholds
from solidmark.measures.guard.guard import Guard, Unread, open_index
from solidmark.measures.guard.index import Indexing, build_index
from solidmark.measures.guard.verdict import RULES, Closeness, Verdict

__all__ = [
    "RULES",
    "Closeness",
    "Guard",
    "Indexing",
    "Unread",
    "Verdict",
    "build_index",
    "open_index",
    "parse_thresholds",
]
