"""The secret that all keys follow from, where nobody gives one."""

import secrets
from pathlib import Path

from solidmark.errors import BadInput
from solidmark.runs import Processes, made_by, read_manifest

_SECRET_BITS = 62
"""Of a seed that is drawn: nobody tries them all, and every reader of JSON and YAML has room."""


def kept_seed(out: Path) -> int:
    """The secret of a marking that was given none: that of the same folder's, else a new one.

    Arguments:
        out: The folder to write.

    Raises:
        BadInput: When several processes were launched, each of which would draw its own.
    """
    if made_by(out) == "mark":
        seed = read_manifest(out)["config"].get("seed")
        if isinstance(seed, int):
            return seed
    if Processes.here().count > 1:
        raise BadInput(
            "Several processes were launched, and none has a seed for all. Give --seed, or use "
            "--engine processes:4, which has one."
        )
    return secrets.randbits(_SECRET_BITS)
