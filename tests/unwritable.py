"""A folder that nobody can write: root may write everywhere, and lays that down for a while."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_VERSION = 0x20080522
"""The third of the kernel's interfaces to capabilities."""
_OVERRIDE = 1 << 1
"""CAP_DAC_OVERRIDE: to write whatever the rights of a file say."""


@contextmanager
def unwritable(folder: Path) -> Iterator[None]:
    """Takes the right to write from all that is in a folder, while the block lasts."""
    rights = {path: path.stat().st_mode for path in (folder, *folder.rglob("*"))}
    for path, mode in rights.items():
        path.chmod(mode & ~0o222)
    lay_down = os.geteuid() == 0
    if lay_down:
        _override(False)
    try:
        yield
    finally:
        if lay_down:
            _override(True)
        for path, mode in rights.items():
            path.chmod(mode)


def _override(may: bool) -> None:
    """Whether this thread may write what it has no right to."""
    system = ctypes.CDLL(None, use_errno=True)
    head, sets = (ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)()
    if system.capget(head, sets):
        raise OSError(ctypes.get_errno(), "capget")
    sets[0] = sets[0] | _OVERRIDE if may else sets[0] & ~_OVERRIDE
    if system.capset(head, sets):
        raise OSError(ctypes.get_errno(), "capset")
