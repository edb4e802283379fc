"""The main job: ask the model about every image, score the answers, make the page."""

from solidmark.audit.comparing import Comparison, compare
from solidmark.audit.observing import observe
from solidmark.audit.question import Question
from solidmark.audit.scoring import renew_inversions, score

__all__ = ["Comparison", "Question", "compare", "observe", "renew_inversions", "score"]
