"""What a page was made of and with, kept in the page: so it can be made again as it was asked."""

import hashlib
import html
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from solidmark.errors import BadInput
from solidmark.runs import read_json
from solidmark.runs.sealed import CHECKSUM

PAGE, RESULTS = "report.html", "results.json"

_LINE = re.compile(r'<meta name="solidmark" content="([^"]*)">')

_MEMORY, _PEAK = "memory", "peak_memory_bytes"

_HEAD = 4096
"""The line stands in the first bytes of a page."""


@dataclass(frozen=True)
class Made:
    """How a page was made.

    Arguments:
        images: Whether pictures may stand on it.
        top: How many images are shown.
        results: The hash of what it shows of `results.json`.
    """

    images: bool
    top: int
    results: str

    @property
    def line(self) -> str:
        """As it stands in the head of the page."""
        return json.dumps(asdict(self))


def making(folder: Path, images: bool, top: int) -> Made:
    """How a page of a folder is made now."""
    return Made(images, top, _hash_of_results(folder))


def made_in(folder: Path) -> Made | None:
    """How the page in a folder was made; None where there is none, or it does not say."""
    try:
        with open(folder / PAGE, encoding="utf-8", errors="replace") as page:
            found = _LINE.search(page.read(_HEAD))
        return None if found is None else Made(**json.loads(html.unescape(found.group(1))))
    except (OSError, ValueError, TypeError):
        return None


def is_stale(folder: Path) -> bool:
    """Whether there is a page that does not show the `results.json` beside it."""
    if not (folder / PAGE).is_file() or not (folder / RESULTS).is_file():
        return False
    made = made_in(folder)
    return made is None or made.results != _hash_of_results(folder)


def without_peak(memory: Mapping[str, Any]) -> dict[str, Any]:
    """What is told of memory, but for its peak, which is another in every run.

    It stands on no page, so that two pages of the same results are the same bytes.
    """
    return {name: value for name, value in memory.items() if name != _PEAK}


def _hash_of_results(folder: Path) -> str:
    try:
        results = read_json(folder / RESULTS)
    except BadInput:
        return ""
    if isinstance(results, dict):
        results.pop(CHECKSUM, None)  # It is of the peak of memory too.
    if isinstance(results, dict) and isinstance(results.get(_MEMORY), dict):
        results[_MEMORY] = without_peak(results[_MEMORY])
    return hashlib.sha256(json.dumps(results, sort_keys=True).encode()).hexdigest()[:16]
