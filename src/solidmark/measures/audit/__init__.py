"""The main job: ask the model about every image, score the answers, make the page."""

from solidmark.measures.audit.comparing import compare
from solidmark.measures.audit.observing import observe
from solidmark.measures.audit.planning import plan
from solidmark.measures.audit.question import Question, usual_readers
from solidmark.measures.audit.scoring import renew_inversions, score

__all__ = [
    "Question",
    "compare",
    "observe",
    "plan",
    "renew_inversions",
    "score",
    "usual_readers",
]
