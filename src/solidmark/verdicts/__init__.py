"""The judge: from the figures of a run to its verdict, in one place for every command."""

from solidmark.verdicts.compared import Compared, Question, lined_up, question
from solidmark.verdicts.judge import judge
from solidmark.verdicts.nouns import Family, Nouns
from solidmark.verdicts.titles import asks_of, title_of

__all__ = [
    "Compared",
    "Family",
    "Nouns",
    "Question",
    "asks_of",
    "judge",
    "lined_up",
    "question",
    "title_of",
]
