"""A folder whose run turns out to be impossible as asked can be named again with other options."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from solidmark.errors import BadInput
from solidmark.runs import Processes, Run

PARTS = ("work", "ledger")
"""What a run has written before it finds out."""


@contextmanager
def freed_if_impossible(run: Run) -> Iterator[None]:
    """Empties the folder of a run when what is done within cannot be done.

    Raises:
        BadInput: What was raised within.
    """
    try:
        yield
    except BadInput:
        if Processes.here().is_main:
            for part in PARTS:
                shutil.rmtree(run.folder / part, ignore_errors=True)
            run.abandon()
        raise
