"""The Python face: what `import solidmark` gives. A function a command, of the same name."""

from solidmark.api.asking import (
    audit,
    compare,
    inpaint,
    intent,
    invmm,
    observe,
    report,
    score,
    signals,
)
from solidmark.api.choosing import choose
from solidmark.api.making import generate, mark, plan, train
from solidmark.api.proving import provenance
from solidmark.api.releasing import release
from solidmark.api.result import Folder, Result, Rows
from solidmark.api.searching import duplicates, fit, guard, index, judge, nearest
from solidmark.api.studying import study
from solidmark.api.watching import Watch

__all__ = [
    "Folder",
    "Result",
    "Rows",
    "Watch",
    "audit",
    "choose",
    "compare",
    "duplicates",
    "fit",
    "generate",
    "guard",
    "index",
    "inpaint",
    "intent",
    "invmm",
    "judge",
    "mark",
    "nearest",
    "observe",
    "plan",
    "provenance",
    "release",
    "report",
    "score",
    "signals",
    "study",
    "train",
]
