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
from solidmark.api.result import Folder, Result, Rows
from solidmark.api.searching import duplicates, guard, index, nearest
from solidmark.api.studying import study

__all__ = [
    "Folder",
    "Result",
    "Rows",
    "audit",
    "choose",
    "compare",
    "duplicates",
    "generate",
    "guard",
    "index",
    "inpaint",
    "intent",
    "invmm",
    "mark",
    "nearest",
    "observe",
    "plan",
    "report",
    "score",
    "signals",
    "study",
    "train",
]
