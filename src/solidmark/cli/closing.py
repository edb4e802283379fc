"""The last lines of a command: what was in the data it opened, and what to do next."""

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from solidmark.runs import Processes, say

if TYPE_CHECKING:
    from solidmark.data import Opened

SILENT = ("demo", "inspect", "choose")
"""One opens nothing of the user's, the others say as much by themselves."""
KEEPS_LOST = ("mark",)
"""Commands that keep what their images lost, and say it also when they read none again."""


COUNT_SUBJECTS = ("audit", "signals", "inpaint", "invmm", "nearest")
"""Commands that count subjects beside images, where images have groups."""


def take_opened() -> "Mapping[str, Opened]":
    """What was opened since it was last asked. Nothing slow is imported to learn it."""
    if "solidmark.data" not in sys.modules:
        return {}
    from solidmark.data import take_inventories

    return take_inventories()


_next: list[str] = []


def then(*lines: str) -> None:
    """Keeps what to do next, for the end of what a command says."""
    _next[:] = lines


def say_next(asked: Sequence[str]) -> None:
    """Prints it, where a command line prints for people. Without this it is forgotten."""
    lines = [*_next]
    _next.clear()
    if lines and "--json" not in asked and Processes.here().is_main:
        for line in lines:
            say(line)


def say_opened(asked: Sequence[str]) -> None:
    """Prints the line, where a command line opened data and prints for people."""
    opened = take_opened()
    if not opened or "--json" in asked or asked[0] in SILENT:
        return
    from solidmark.data import lost_lines
    from solidmark.data.records import quoted

    if not Processes.here().is_main:
        return
    several = len(opened) > 1
    parts = [
        f"{quoted(where)}: {one.inventory.line}" if several else one.inventory.line
        for where, one in opened.items()
    ]
    lost = Counter[str]()
    if asked[0] not in KEEPS_LOST:
        for one in opened.values():
            lost.update({name: len(ids) for name, ids in one.lost.items()})
    comment = "# " if "--dry-run" in asked else ""
    lines = [*lost_lines(lost), f"{comment}Data: {'. '.join(parts)}."]
    if asked[0] in COUNT_SUBJECTS and any(one.inventory.groups for one in opened.values()):
        lines.insert(0, f"{comment}Images of one group are one subject: both are counted.")
    for line in lines:
        say(line)
