"""How well each key of a vector was read: a bar a key, and what luck would give."""

from collections.abc import Sequence

from markupsafe import Markup

from solidmark.page.strips import tiny
from solidmark.scores import curves
from solidmark.scores.written import plain

WIDTH, HEIGHT = 160.0, 30.0
NEAR = 0.1
"""A key read within so much of the true one counts as read."""


def gap_bars(true: Sequence[float], read: Sequence[float] | None) -> Markup:
    """One bar a key: how far the key read lies from the true one; low means memorized.

    The line is where a key drawn at random would lie on average. It depends on what was read: a
    middle grey is never far from anything.

    Arguments:
        true: The M true values.
        read: The M values read.

    Returns:
        The drawing; empty for one key, where the swatches say it all, and where nothing was read.
    """
    if not read or len(read) != len(true) or len(true) < 2:
        return Markup("")
    step = WIDTH / len(true)
    gaps = [abs(k - r) for k, r in zip(true, read, strict=True)]
    bars = [
        f'<rect x="{m * step + 0.1 * step:.2f}" y="{_y(gap):.2f}" width="{0.8 * step:.2f}" '
        f'height="{HEIGHT - _y(gap):.2f}"/>'
        for m, gap in enumerate(gaps)
    ]
    line = " ".join(
        f"{x:.2f},{_y(curves.luck(r)):.2f}"
        for m, r in enumerate(read)
        for x in (m * step, (m + 1) * step)
    )
    mean, by_luck = sum(gaps) / len(gaps), sum(map(curves.luck, read)) / len(read)
    said = (
        f"Differences of true and read, key by key: {plain(mean)} on average, from "
        f"{plain(min(gaps))} to {plain(max(gaps))}. Luck gives {plain(by_luck)}, the dotted line."
    )
    return tiny("gaps", WIDTH, HEIGHT, said, *bars, f'<polyline points="{line}"/>', flat=True)


def hits(true: Sequence[float], read: Sequence[float] | None) -> str:
    """How many keys of a vector were read within `NEAR`, and how many would be by luck.

    Example:
        >>> hits([0.0, 0.2, 1.0], [0.05, 0.6, 0.98])
        '2 of 3 (luck: 0.5)'
    """
    if not read or len(read) != len(true) or len(true) < 2:
        return ""
    found, by_luck = curves.hits(true, read, NEAR)
    return f"{found} of {len(true)} (luck: {plain(by_luck, 1)})"


def _y(gap: float) -> float:
    """The top of a bar; a gap of zero leaves a hairline, so that no key looks forgotten."""
    return HEIGHT - max(1.0, HEIGHT * min(1.0, gap))
