"""Drawings of InvMM: the path of a search, and how alike against how far for all images."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from solidmark.page.drawing import GREEN, LOOK, Drawing, drawing, legend
from solidmark.page.strips import joined, tiny
from solidmark.scores.written import short

WIDTH, ROW, GAP = 260, 20, 5
LEFT, RIGHT = 58, 208
"""Between the names of the lines and their last values."""

LINES = (
    ("loss", "loss", True),
    ("weight", "weight", True),
    ("kl", "KL", True),
    ("similarity", "similarity", False),
)
"""Column of `paths.parquet`, name on the page, and whether it is drawn on a log scale."""

LEAST = 1e-6
"""A KL starts at 0, which no log scale has."""

Path = Sequence[Mapping[str, Any]]
"""The checks of a search, in their order, as rows of `paths.parquet`."""


@dataclass(frozen=True)
class Scale:
    """The range of each line over all cards, so that they can be compared.

    Arguments:
        ranges: By column: the lowest and the highest value, as they are drawn.
        needed: The similarity that a reproduced image reaches; None where it is not known.
    """

    ranges: dict[str, tuple[float, float]]
    needed: float | None = None


def common_scale(paths: Iterable[Path], needed: float | None = None) -> Scale:
    """The scale that holds all these paths, and the similarity that is needed.

    Example:
        >>> checks = [{"loss": 0.1, "similarity": 0.2}, {"loss": 0.01, "similarity": None}]
        >>> common_scale([checks], 0.5).ranges
        {'loss': (-2.0, -1.0), 'similarity': (0.2, 0.5)}
    """
    every = [check for path in paths for check in path]
    ranges = {}
    for column, _, is_log in LINES:
        values = [value for _, value, _ in _points(every, column, is_log)]
        if column == "similarity" and needed is not None:
            values.append(needed)
        if values:
            ranges[column] = min(values), max(values)
    return Scale(ranges, needed)


def course(path: Path, scale: Scale, split: str) -> Markup:
    """The four lines over the steps of one search; empty when there is nothing to draw.

    Arguments:
        split: Of the image; the style sheet colours by it.
    """
    parts: list[str] = []
    said: list[str] = []
    top = 2.0
    last = max([1, *(check["step"] for check in path)])
    for column, name, is_log in LINES:
        points = _points(path, column, is_log)
        if not points:
            continue
        places = [
            (LEFT + (RIGHT - LEFT) * step / last, _down(scale, column, value, top))
            for step, value, _ in points
        ]
        if column == "similarity" and scale.needed is not None:
            parts.append(_level("needed", _down(scale, column, scale.needed, top)))
        parts += [*_line(places), *_texts(name, points[-1][2], top)]
        said.append(f"{name} from {short(points[0][2])} to {short(points[-1][2])}")
        top += ROW + GAP
    if not said:
        return Markup("")
    parts.append(_level("axis", top))
    parts.append(f'<text x="{LEFT}" y="{top + 10:g}">step 0</text>')
    parts.append(f'<text x="{RIGHT}" y="{top + 10:g}" text-anchor="end">{last:,}</text>')
    title = f"Over {last:,} steps of the search: {'; '.join(said)}."
    return tiny(f"course {split}", WIDTH, top + 13, title, *parts)


def found(points: Mapping[str, Sequence[tuple[float, float]]], needed: float | None) -> Drawing:
    """A point an image: how alike its samples are, and how far the noise had to go.

    Arguments:
        points: By split: similarity of the least alike sample, and KL.
        needed: The similarity that a reproduced image reaches.
    """

    def paint(axes: Any) -> None:
        for split in ("held_out", "trained"):
            if some := points.get(split):
                x, y = zip(*some, strict=True)
                colour, _, marker = LOOK[split]
                name = f"{split.replace('_', '-')} (n = {len(some):,})"
                axes.scatter(x, y, s=18, c=colour, marker=marker, alpha=0.75, lw=1, label=name)
        if needed is not None:
            axes.axvline(needed, color=GREEN, ls="-.", lw=1.2, label="needed")
        axes.set(yscale="log", xlabel="similarity of the least alike sample (high = alike)")
        axes.set(ylabel="KL (nats per dimension, low = memorized)")
        legend(axes)

    return drawing(
        paint,
        "invmm-found",
        "How alike the samples are, and how far the noise had to go",
        "Right of the green line an image is reproduced; the lower it lies there, the less its "
        "noise differs from ordinary noise. Left of it the KL is that at the end of the search.",
    )


def _points(path: Path, column: str, is_log: bool) -> list[tuple[int, float, float]]:
    """The step, the value as it is drawn, and as it is, of each check that has one."""
    known = [(one.get("step", 0), float(one[column])) for one in path if _is_known(one.get(column))]
    return [(n, math.log10(max(value, LEAST)) if is_log else value, value) for n, value in known]


def _is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _down(scale: Scale, column: str, value: float, top: float) -> float:
    """Where a value of a line lies, below the top of its row."""
    low, high = scale.ranges.get(column, (value, value))
    return top + 2 + (ROW - 4) * (high - value) / ((high - low) or 1.0)


def _line(places: Sequence[tuple[float, float]]) -> list[str]:
    """A line with a dot at its end; one check is a dot."""
    x, y = places[-1]
    dot = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>'
    return [f'<polyline points="{joined(places)}"/>', dot] if len(places) > 1 else [dot]


def _texts(name: str, last: float, top: float) -> list[str]:
    """The name of a line at its left, and its last value at its right."""
    y, end = top + ROW / 2 + 3, short(last).replace("-", "−")
    return [
        f'<text x="0" y="{y:g}">{name}</text>',
        f'<text x="{WIDTH}" y="{y:g}" text-anchor="end">{end}</text>',
    ]


def _level(what: str, y: float) -> str:
    return f'<line class="{what}" x1="{LEFT}" x2="{RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>'
