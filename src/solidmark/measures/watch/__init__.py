"""One training, looked at again and again: audited every so many steps, and the curve."""

from solidmark.measures.watch.asking import ask, begin, check
from solidmark.measures.watch.checkpoints import checkpoints_in, watch_checkpoints
from solidmark.measures.watch.looks import Look, looks_of
from solidmark.measures.watch.scoring import gather, score_watch
from solidmark.measures.watch.stopping import StopAt, is_reached, require_stop

__all__ = [
    "Look",
    "StopAt",
    "ask",
    "begin",
    "check",
    "checkpoints_in",
    "gather",
    "is_reached",
    "looks_of",
    "require_stop",
    "score_watch",
    "watch_checkpoints",
]
