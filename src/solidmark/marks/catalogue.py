"""All patterns by name, and how they stand in a manifest."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from solidmark.errors import BadInput, UnknownName
from solidmark.marks.pattern import Border, Center, Pattern
from solidmark.marks.segments import Segments

PATTERNS: dict[str, type[Border] | type[Center] | type[Segments]] = {
    "border": Border,
    "center": Center,
    "segments": Segments,
}


def pattern_to_json(pattern: Pattern) -> dict[str, Any]:
    """The name and the fields of a pattern, as they stand in a manifest."""
    return {"name": type(pattern).__name__.lower(), **asdict(pattern)}  # type: ignore[call-overload]


def pattern_from_json(value: Mapping[str, Any]) -> Pattern:
    """The pattern of a manifest.

    Raises:
        UnknownName: When no pattern has this name.
        BadInput: When the pattern has no such field.
    """
    fields = dict(value)
    name = str(fields.pop("name", ""))
    if name not in PATTERNS:
        raise UnknownName("pattern", name, PATTERNS)
    try:
        return PATTERNS[name](**fields)
    except TypeError as error:
        raise BadInput(f"The pattern {value} cannot be made ({error}).") from error
