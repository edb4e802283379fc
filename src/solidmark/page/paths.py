"""The way down: the log energy of an image at each step of `Gradient`, beside held-out ones.

How low an energy lies says how hard a picture is. How far it falls from a neutral grey frame says
what the model knows of picture and frame, so all lines are drawn from where they start, beside the
average of the held-out images: those it never saw. The average of trained images would be no
measure, since half of the memorized ones lie above it. Neither says whose key was read, so a
named image whose energy falls no further than theirs is named by its key alone, and says so.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from solidmark.page.strips import joined, tiny
from solidmark.scores.written import plain

WIDTH, HEIGHT = 160, 54
LEFT, RIGHT, TOP, BOTTOM = 4, 156, 4, 40
Path = Sequence[float]

EQUAL = 1e-6
"""Falls that differ by less are equal: energies are of single precision."""


Scale = tuple[float, float]
"""The range of all lines that stand beside one another, so that they can be compared: the deepest
fall of the log energy, at most 0, and the highest rise, at least 0."""


def common_scale(paths: Iterable[Path]) -> Scale:
    """The scale that holds all these paths, each measured from its start.

    Example:
        >>> common_scale([[3.0, 1.0], [5.0, 5.5]])
        (-2.0, 0.5)
    """
    values = [0.0, *(value for path in paths if is_drawn(path) for value in fall(path))]
    return min(values), max(values)


def is_drawn(path: Path) -> bool:
    """Whether there is a line to draw: two or more finite energies."""
    return len(path) > 1 and all(map(math.isfinite, path))


def fall(path: Path) -> list[float]:
    """The log energies measured from the first of them; low means known."""
    return [value - path[0] for value in path]


@dataclass
class Falls:
    """The mean of the falls at each step, of paths that are added one by one.

    Example:
        >>> falls = Falls()
        >>> falls.add([3.0, 1.0])
        >>> falls.add([5.0, 5.0])
        >>> falls.average
        [0.0, -1.0]
    """

    count: int = 0
    sums: list[float] = field(default_factory=list)
    differ: bool = False

    def add(self, path: Path) -> None:
        """Adds a path; one that is not drawn counts nowhere."""
        if not is_drawn(path):
            return
        sums = self.sums or [0.0] * len(path)
        self.differ |= len(sums) != len(path)
        self.count += 1
        self.sums = [one + other for one, other in zip(sums, fall(path), strict=False)]

    @property
    def average(self) -> list[float]:
        """The mean; empty where no path was added, or their steps differ."""
        return [] if self.differ else [one / self.count for one in self.sums]


def compared(path: Path, mean: Path) -> str:
    """What is left of an image, beside what is left of held-out ones, and what follows.

    The average is the geometric mean of what is left, since it is that of log energies.

    Example:
        >>> compared([2.0, 0.0], [0.0, -0.1])
        '14 % (held-out: 90 %)'
        >>> compared([2.0, 1.95], [0.0, -0.1])
        '95 % (held-out: 90 %, so no sign here)'
    """
    if not is_drawn(mean):
        return left_over(path)
    above = fall(path)[-1] >= fall(mean)[-1] - EQUAL
    return f"{left_over(path)} (held-out: {left_over(mean)}{', so no sign here' if above else ''})"


def left_over(path: Path) -> str:
    """What share of the energy at a neutral grey frame is left at the last look, in words.

    Example:
        >>> left_over([2.0, 0.0]), left_over([2.0, 2.1])
        ('14 %', '111 %')
    """
    share = 100 * math.exp(min(20.0, fall(path)[-1]))
    return f"{share:.0f} %" if share >= 0.95 else "under 1 %"


def energy_path(path: Path, mean: Path, scale: Scale) -> Markup:
    """The log energy by step: this image as a line, the average of held-out images dashed.

    Arguments:
        path: The S log energies of the image, at a neutral grey frame first; low = known.
        mean: The same of the held-out images on average; empty when it is not known.
        scale: What the drawing holds.

    Returns:
        The drawing; empty when there is nothing to draw.
    """
    if not is_drawn(path):
        return Markup("")
    low, high = scale
    spread = (high - low) or 1.0

    def points(values: Path) -> list[tuple[float, float]]:
        across = (RIGHT - LEFT) / (len(values) - 1)
        down = (BOTTOM - TOP) / spread
        return [
            (LEFT + number * across, TOP + down * (high - value))
            for number, value in enumerate(fall(values))
        ]

    start = points(path)[0][1]
    parts = [f'<line x1="{LEFT}" x2="{RIGHT}" y1="{start:.1f}" y2="{start:.1f}"/>']
    said = f"Log energy by step, from a neutral grey frame: {_values(path)}"
    if len(mean) == len(path) and is_drawn(mean):
        parts.append(f'<polyline class="mean" points="{joined(points(mean))}"/>')
        said += f". Held-out images on average, from their start: {_values(fall(mean))}"
    parts.append(f'<polyline class="own" points="{joined(points(path))}"/>')
    parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>' for x, y in points(path)]
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 3}">grey frame</text>')
    steps = "1 step" if len(path) == 2 else f"{len(path) - 1} steps"
    parts.append(f'<text x="{RIGHT}" y="{HEIGHT - 3}" text-anchor="end">after {steps}</text>')
    return tiny("path", WIDTH, HEIGHT, f"{said}. Low means known.", *parts)


def _values(path: Path) -> str:
    return ", ".join(plain(value) for value in path)
