"""The judge: from the figures of a run to its verdict, in one place for every command."""

from solidmark.verdicts.compared import Compared, Question, lined_up, question
from solidmark.verdicts.judge import judge
from solidmark.verdicts.nouns import Family, Nouns

__all__ = [
    "Compared",
    "Family",
    "Nouns",
    "Question",
    "judge",
    "lined_up",
    "question",
]
