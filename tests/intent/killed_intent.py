"""A run that kills itself at a chosen moment, as `kill -9` would."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from planted import asking, planted

from solidmark.measures.intent import drawing, intent, scoring
from solidmark.runs import Run

job = sys.modules["solidmark.measures.intent.intent"]

PLACES: dict[str, tuple[Any, str]] = {
    "picture": (drawing, "write_image"),
    "replace": (os, "replace"),
    "table": (job, "write_rows"),
    "score": (scoring, "write_rows"),
    "finish": (Run, "finish"),
}
"""Before a picture, a file, an observed table, a scored table, the end."""


def ask_until(place: str, count: int, here: Path) -> None:
    """Runs, and dies at the `count`-th time that it comes to a place."""
    owner, name = PLACES[place]
    whole, times = getattr(owner, name), 0

    def dying(*args: Any, **words: Any) -> Any:
        nonlocal times
        times += 1
        if times == count:
            os.kill(os.getpid(), signal.SIGKILL)
        return whole(*args, **words)

    setattr(owner, name, dying)
    intent(asking(here, "out", per_prompt=2, batch_size=16), planted())
