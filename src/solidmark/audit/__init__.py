"""The main job: ask the model about every image, score the answers, make the page."""

from solidmark.audit.comparing import Comparison, compare
from solidmark.audit.observing import observe
from solidmark.audit.planning import Planned, plan
from solidmark.audit.question import Question
from solidmark.audit.scoring import renew_inversions, score

__all__ = [
    "Comparison",
    "Planned",
    "Question",
    "compare",
    "observe",
    "plan",
    "renew_inversions",
    "score",
]
