"""Memory that was freed stays with the process, so that the next call of a network finds it there.

A network takes and frees the same large blocks at every call. The allocator of Linux (glibc) gives
them back to the system each time, or does not, as the heap happens to lie; where it does, the
system fills every page with zeros again before the next call, which took up to two fifths of the
time of a call on a processor (benchmarks/sd15.md). Only how long memory is kept is changed:
nothing that is computed.
"""

import os
import sys

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3
"""Of malloc.h."""
KEPT = 2**30
"""Bytes at the end of the heap that are kept when they are free."""
LARGEST = 2**25
"""Blocks up to so many bytes come from the heap: the most that glibc takes here."""


def keep_freed() -> bool:
    """Tells the allocator of this process, which must be ours, to keep what is freed.

    Returns:
        Whether it was told: not where there is no glibc, nor where the environment tells it
        something of its own (`MALLOC_...`, `GLIBC_TUNABLES`).
    """
    own = any(name.startswith("MALLOC_") or name == "GLIBC_TUNABLES" for name in os.environ)
    if sys.platform != "linux" or own:
        return False
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return False
    return bool(mallopt(M_MMAP_THRESHOLD, LARGEST) and mallopt(M_TRIM_THRESHOLD, KEPT))
