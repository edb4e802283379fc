"""The version of the formats that we write, and what is said of one that is not known."""

from pathlib import Path
from typing import Any

from solidmark.errors import BadInput

VERSION = 1
"""Of every file that we write; what says none is of the first."""


def require_version(path: Path, found: Any, cure: str = "Make it again.") -> None:
    """Refuses a file of a format that is not known: it may mean something else by the same names.

    Arguments:
        path: The file.
        found: What it says its version is; None where it says none.
        cure: What else to do, as a sentence.

    Raises:
        BadInput: When it is another one.
    """
    known = found is None or (isinstance(found, int) and not isinstance(found, bool))
    if found is None or (known and found == VERSION):
        return
    said = str(found)[:40]
    raise BadInput(
        f'"{path}" is of format version {said}, and this solidmark knows version {VERSION}. Use '
        f"the solidmark that wrote it. {cure}"
    )
