"""The tables of the page: key figures, and how the run was made."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from solidmark.runs import tame


@dataclass(frozen=True)
class Cell:
    """One figure: the value, and the facts without which it says nothing."""

    value: str
    facts: tuple[str, ...]


@dataclass(frozen=True)
class Head:
    """A split at the top of the table: its name, and how many rows counted."""

    name: str
    count: str


@dataclass(frozen=True)
class Line:
    """One statistic of one reader.

    Arguments:
        anchor: Its place in the glossary.
        name: Its name with its threshold.
        unit: Its unit.
        direction: Which way means memorized.
        cells: One a split; None where it does not apply.
        wide: The figure of a comparison of two splits.
    """

    anchor: str
    name: str
    unit: str
    direction: str
    cells: tuple[Cell | None, ...]
    wide: Cell | None


def script_json(value: Any) -> str:
    """JSON that may stand between script tags: nothing in it can end them or start markup."""
    text = json.dumps(_plain(value), ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _plain(value: Any) -> Any:
    """The same with every control in its text shown, since the script puts it into the page."""
    if isinstance(value, str):
        return tame(value)
    if isinstance(value, Mapping):
        return {_plain(name): _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value


def flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Configuration as name and value, one line an option: `readers.energy.count = 9`."""
    if isinstance(value, Mapping) and (value or not name):
        for key, inner in value.items():
            yield from flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(inner, Mapping) for inner in value):
        for number, inner in enumerate(value):
            yield from flat(inner, f"{name}.{number}")
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        yield name, text


def how_made(
    results: Mapping[str, Any], measures: str = "Measures"
) -> list[tuple[str, list[tuple[str, str]]]]:
    """What `results.json` tells of how a run was made, part by part; a page leaves out empty ones.

    Arguments:
        results: What the file holds.
        measures: How the part on measures is called.
    """
    parts = {
        "Configuration": "config",
        measures: "measures",
        "Memory": "memory",
        "Versions": "versions",
        "Fingerprints": "fingerprints",
    }
    return [(title, list(flat(results.get(name) or {}))) for title, name in parts.items()]
