"""A case: what lies there, what is typed, and which ends are right."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

Make = Callable[[Path], object]
"""Writes what is hostile into an empty folder, in which the command is then run."""

REFUSED, SET_APART, TAKEN = "refused in one line", "set apart", "taken"
RIGHT = (REFUSED, SET_APART, TAKEN)
"""Exit code 2 and one line; the one image is named and the rest goes on; nothing is wrong."""

WRONG = ("TRACEBACK", "HANG", "MEMORY", "WROTE OUTSIDE", "CODE RAN", "SOCKET", "UNTAMED", "OTHER")


@dataclass(frozen=True)
class Case:
    """One hostile input and one command.

    Arguments:
        group: The part of the table.
        name: What is hostile.
        make: Writes it.
        words: The command line, in the folder; OUT is the one place where it may write.
        ends: Which ends are right.
    """

    group: str
    name: str
    make: Make
    words: tuple[str, ...]
    ends: tuple[str, ...] = RIGHT


@dataclass(frozen=True)
class End:
    """How a case ended.

    Arguments:
        case: The case.
        end: Of `RIGHT` or `WRONG`.
        said: The line that was said last, or the end of the trace.
        seconds: Of the processor.
        megabytes: By which the memory grew.
    """

    case: Case
    end: str
    said: str
    seconds: float
    megabytes: float

    @property
    def right(self) -> bool:
        return self.end in self.case.ends


MARK = ("mark", "data", "OUT", "--thickness", "2", "--held-out", "0.5", "--resolution", "8")
GUARD = ("guard", "index", "data", "--threshold", "l2=0.000001", "--device", "cpu")
INSPECT = ("inspect", "data")
AUDIT_OPTIONS = ("--reader", "energy", "--limit", "4", "--no-ceiling", "--device", "cpu")
NEAREST = ("nearest", "photos", "photos", "OUT", "--device", "cpu", "--distance")
