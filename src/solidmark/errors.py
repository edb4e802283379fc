"""What can go wrong, as a tree. Each message says what was asked, what was found, what to do.

SolidmarkError              every error that a user can mend; the CLI prints it and exits with 2
├── BadInput                an argument, an option or a file that cannot be used as asked
│   ├── UnknownName         a name that is not in the table; says which are
│   ├── NotFound            a path or a data set that is not there
│   ├── EmptyTable          there is nothing to count
│   ├── OutOfMemory         more memory is needed than there is; says how much, and what needs less
│   └── MissingCapability   a model that cannot do what it is asked, such as guidance
├── BrokenImage             one image that cannot be read; quarantined, named and counted
├── RunConflict             a folder that holds another run, or one that is not finished
├── WrongKeys               keys that do not belong to these images
└── UnsafeCheckpoint        weights that would have to be unpickled, or code that would have to run
"""

from collections.abc import Iterable
from difflib import get_close_matches


class SolidmarkError(Exception):
    """Something a user can mend. The message is one line."""


class BadInput(SolidmarkError):
    """An argument, an option or a file that cannot be used as asked."""


class NotFound(BadInput):
    """A path, a data set or a model that is not there."""


class EmptyTable(BadInput):
    """There is nothing to count."""


class OutOfMemory(BadInput):
    """More memory is needed than there is."""


class MissingCapability(BadInput):
    """A model cannot do what it is asked, such as answer without a caption."""


class UnknownName(BadInput):
    """A name that is not in a table.

    Example:
        >>> print(UnknownName("reader", "enrgy", ["energy", "probe"]))
        There is no reader "enrgy". Did you mean "energy"? Available: energy, probe.
    """

    def __init__(self, kind: str, name: str, available: Iterable[str]) -> None:
        names = sorted(available)
        close = get_close_matches(name, names, n=1)
        hint = f' Did you mean "{close[0]}"?' if close else ""
        super().__init__(f'There is no {kind} "{name}".{hint} Available: {", ".join(names)}.')


class BrokenImage(SolidmarkError):
    """One image that cannot be read. The rest goes on without it."""


class RunConflict(SolidmarkError):
    """A folder that holds another run, or one that is not finished."""


class WrongKeys(SolidmarkError):
    """Keys that do not belong to these images."""


class UnsafeCheckpoint(SolidmarkError):
    """Weights that would have to be unpickled, or code that would have to be trusted."""
