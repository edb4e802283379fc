"""The judge: from the figures of a run to its verdict, in one place for every command."""

from solidmark.verdicts.compared import Compared, Question, lined_up, question
from solidmark.verdicts.judge import judge
from solidmark.verdicts.keys import judge_keys
from solidmark.verdicts.known import mirror_note, unknown
from solidmark.verdicts.nouns import Family, Nouns

__all__ = [
    "Compared",
    "Family",
    "Nouns",
    "Question",
    "judge",
    "judge_keys",
    "lined_up",
    "mirror_note",
    "question",
    "unknown",
]
