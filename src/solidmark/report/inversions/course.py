"""The path of a search as a small drawing: loss, weight, KL and the least alike of the samples."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

from solidmark.report.inversions.records import Check
from solidmark.report.numbers import short

WIDTH, ROW, GAP = 260, 20, 5
LEFT, RIGHT = 58, 208
"""Between the names of the lines and their last values."""

LINES = (
    ("loss", "loss", True),
    ("weight", "weight", True),
    ("kl", "KL", True),
    ("similarity", "similarity", False),
)
"""Field, name on the page, and whether it is drawn on a log scale."""

LEAST = 1e-6
"""A KL starts at 0, which no log scale has."""


@dataclass(frozen=True)
class Scale:
    """The range of each line over all cards, so that they can be compared.

    Arguments:
        ranges: By field: the lowest and the highest value, as they are drawn.
        needed: The similarity that a reproduced image reaches; None where it is not known.
    """

    ranges: dict[str, tuple[float, float]]
    needed: float | None = None


def common_scale(paths: Iterable[Sequence[Check]], needed: float | None = None) -> Scale:
    """The scale that holds all these paths, and the similarity that is needed.

    Example:
        >>> checks = [Check(1, 0.1, 1.0, 0.01, 0.2), Check(2, 0.01, 1.0, 1.0, None)]
        >>> common_scale([checks], 0.5).ranges["similarity"], common_scale([checks]).ranges["loss"]
        ((0.2, 0.5), (-2.0, -1.0))
    """
    every = [check for path in paths for check in path]
    ranges = {}
    for field, _, is_log in LINES:
        values = [value for check in every if (value := _drawn(check, field, is_log)) is not None]
        if field == "similarity" and needed is not None:
            values.append(needed)
        if values:
            ranges[field] = min(values), max(values)
    return Scale(ranges, needed)


def course(path: Sequence[Check], scale: Scale, split: str) -> Markup:
    """The four lines over the steps of one search; empty when there is nothing to draw.

    Arguments:
        path: Its checks, in their order.
        scale: What the drawings of all cards hold.
        split: Of the image; the style sheet colours by it.
    """
    parts: list[str] = []
    said: list[str] = []
    top = 2.0
    last = max([1, *(check.step for check in path)])
    for field, name, is_log in LINES:
        points = [
            (check.step, value, float(getattr(check, field)))
            for check in path
            if (value := _drawn(check, field, is_log)) is not None
        ]
        if not points:
            continue
        places = [
            (LEFT + (RIGHT - LEFT) * step / last, _down(scale, field, value, top))
            for step, value, _ in points
        ]
        if field == "similarity" and scale.needed is not None:
            parts.append(_level("needed", _down(scale, field, scale.needed, top)))
        parts += [*_line(places), *_texts(name, points[-1][2], top)]
        said.append(f"{name} from {short(points[0][2])} to {short(points[-1][2])}")
        top += ROW + GAP
    if not said:
        return Markup("")
    parts.append(_level("axis", top))
    parts.append(f'<text x="{LEFT}" y="{top + 10:g}">step 0</text>')
    parts.append(f'<text x="{RIGHT}" y="{top + 10:g}" text-anchor="end">{last:,}</text>')
    title = f"Over {last:,} steps of the search: {'; '.join(said)}."
    return Markup(
        f'<svg class="course {escape(split)}" role="img" viewBox="0 0 {WIDTH} {top + 13:g}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )


def _down(scale: Scale, field: str, value: float, top: float) -> float:
    """Where a value of a line lies, below the top of its row."""
    low, high = scale.ranges.get(field, (value, value))
    return top + 2 + (ROW - 4) * (high - value) / ((high - low) or 1.0)


def _line(places: Sequence[tuple[float, float]]) -> list[str]:
    """A line with a dot at its end; one check is a dot."""
    joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    x, y = places[-1]
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
    return [f'<polyline points="{joined}"/>', dot] if len(places) > 1 else [dot]


def _texts(name: str, last: float, top: float) -> list[str]:
    """The name of a line at its left, and its last value at its right."""
    y, end = top + ROW / 2 + 3, short(last).replace("-", "−")
    return [
        f'<text x="0" y="{y:g}">{name}</text>',
        f'<text x="{WIDTH}" y="{y:g}" text-anchor="end">{end}</text>',
    ]


def _level(what: str, y: float) -> str:
    return f'<line class="{what}" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'


def _drawn(check: Check, field: str, is_log: bool) -> float | None:
    value: float | None = getattr(check, field)
    if value is None:
        return None
    return math.log10(max(value, LEAST)) if is_log else value
