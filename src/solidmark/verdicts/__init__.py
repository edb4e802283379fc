"""The judge: from the figures of a run to its verdict, in one place for every command."""

from solidmark.verdicts.compared import Columns, Compared, Question, question
from solidmark.verdicts.judge import judge
from solidmark.verdicts.keys import judge_keys
from solidmark.verdicts.nouns import Family, Nouns

__all__ = [
    "Columns",
    "Compared",
    "Family",
    "Nouns",
    "Question",
    "judge",
    "judge_keys",
    "question",
]
