"""All patterns by name, and how they stand in a manifest."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from solidmark.data import AspectBuckets
from solidmark.errors import BadInput, UnknownName
from solidmark.marks.advice import thickness_inside, usual_thickness
from solidmark.marks.pattern import Border, Center, Pattern
from solidmark.marks.segments import Segments

PATTERNS: dict[str, type[Border] | type[Center] | type[Segments]] = {
    "border": Border,
    "center": Center,
    "segments": Segments,
}


@dataclass(frozen=True)
class Fitted:
    """A frame that is as thick as the images call for (`advice.usual_thickness`).

    Arguments:
        name: "border" or "segments".
        count: Segments: how many greys.
        mirrored: Segments: whether the left half mirrors the right one.
    """

    name: str = "segments"
    count: int = 16
    mirrored: bool = False

    def __call__(self, height: int, width: int) -> Pattern:
        """The frame for images of a size in pixels.

        Raises:
            BadInput: When it cannot be cut into so many greys.
        """
        return self._of(usual_thickness(height, width))

    def inside(self, height: int, width: int) -> Pattern:
        """The frame inside marked images of a size in pixels."""
        return self._of(thickness_inside(height, width))

    def _of(self, thickness: int) -> Pattern:
        if self.name == "border":
            return Border(thickness)
        return Segments(thickness, self.count, self.mirrored)


def in_buckets(
    pattern: "Pattern | Fitted", buckets: AspectBuckets
) -> tuple[Pattern, AspectBuckets]:
    """One pattern for all buckets, and what it leaves of them for the pictures.

    Arguments:
        pattern: What is painted. The thickness of one that is fitted is that of the bucket with
            the longest shorter side.
        buckets: The sizes of the marked images.

    Raises:
        BadInput: When the frame leaves no picture in a bucket.
    """
    largest = max(buckets.sizes, key=min)
    found = pattern.inside(*largest) if isinstance(pattern, Fitted) else pattern
    high, wide = found.marked_size(*largest)
    framed = replace(buckets, frame=(high - largest[0], wide - largest[1]))
    for size in framed.sizes:
        found.layout(*size)
    return found, framed


def pattern_of(
    name: str, thickness: int | None = None, count: int = 16, mirrored: bool = False
) -> "Pattern | Fitted":
    """A pattern by its name.

    Arguments:
        name: One of `PATTERNS`.
        thickness: Of the frame, or of the side of the square, in pixels; what the size of the
            images calls for when None (16 of a square).
        count: Segments: how many greys.
        mirrored: Segments: whether the left half mirrors the right one.

    Raises:
        UnknownName: When there is no such pattern.
    """
    if name not in PATTERNS:
        raise UnknownName("pattern", name, PATTERNS)
    if thickness is None:
        return Center() if name == "center" else Fitted(name, count, mirrored)
    if name == "segments":
        return Segments(thickness, count, mirrored)
    return PATTERNS[name](thickness)


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
