"""One image at a time against an index of the training set: pass or refuse."""

from solidmark.nearest.guarding.calibration import parse_thresholds
from solidmark.nearest.guarding.guard import Guard, Unread, open_index
from solidmark.nearest.guarding.index import Indexing, build_index
from solidmark.nearest.guarding.verdict import RULES, Closeness, Verdict

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
