"""The secret that all keys follow from, where nobody gives one."""

import secrets
from pathlib import Path

from solidmark.runs import made_by, read_manifest

_SECRET_BITS = 62
"""Of a seed that is drawn: nobody tries them all, and every reader of JSON and YAML has room."""


def kept_seed(out: Path) -> int:
    """The secret of a marking that was given none: that of the same folder's, else a new one.

    Arguments:
        out: The folder to write.
    """
    if made_by(out) == "mark":
        seed = read_manifest(out)["config"].get("seed")
        if isinstance(seed, int):
            return seed
    return secrets.randbits(_SECRET_BITS)
