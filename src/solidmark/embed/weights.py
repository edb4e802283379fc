"""Which weights they were."""

import hashlib
from collections.abc import Sequence
from pathlib import Path


def weights_hash(files: Sequence[Path]) -> str:
    """The first 16 hexadecimal characters of the SHA-256 of some files, one after the other."""
    state = hashlib.sha256()
    for path in files:
        with open(path, "rb") as file:
            while block := file.read(1 << 20):
                state.update(block)
    return state.hexdigest()[:16]
