"""Tiny drawings beside a picture: its keys as grey swatches, its energy curve."""

from collections.abc import Iterable, Sequence

from markupsafe import Markup, escape

from solidmark.scores.written import plain

WIDTH, HEIGHT = 160, 12
PLOTS = 4
"""So many curves of a key with several values are drawn; the rest look alike."""


def tiny(
    kind: str, width: float, height: float, said: str, *parts: str, flat: bool = False
) -> Markup:
    """A tiny drawing.

    Arguments:
        kind: Its class, by which the style sheet colours it.
        width: Of its coordinates.
        height: The same.
        said: What it says, for somebody who cannot see it.
        parts: Its elements.
        flat: Whether it fills what room it has, whatever that does to its shape.
    """
    shape = ' preserveAspectRatio="none"' if flat else ""
    return Markup(
        f'<svg class="{escape(kind)}" role="img" viewBox="0 0 {width:g} {height:g}"{shape}>'
        f"<title>{escape(said)}</title>{''.join(parts)}</svg>"
    )


def joined(points: Iterable[tuple[float, float]]) -> str:
    """Points as a polyline has them."""
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in points)


def key_bars(true: Sequence[float], read: Sequence[float] | None) -> Markup:
    """The true key above the key read, each value a grey swatch.

    Arguments:
        true: The M true values.
        read: The M values read; None when reading failed.
    """
    rows = [("true", true)] + ([("read", read)] if read else [])
    parts = []
    for line, (_, values) in enumerate(rows):
        step = WIDTH / max(1, len(values))
        parts += [
            f'<rect x="{i * step:.2f}" y="{line * (HEIGHT + 2)}" width="{step:.2f}" '
            f'height="{HEIGHT}" fill="{_grey(value)}"/>'
            for i, value in enumerate(values)
        ]
    said = "; ".join(f"{name} {_values(values)}" for name, values in rows)
    if not read:
        said += "; not read"
    height = (HEIGHT + 2) * len(rows) - 2
    return tiny("keys", WIDTH, height, f"Key: {said}", *parts, flat=True)


def energy_curves(
    candidates: Sequence[float],
    energies: Sequence[float],
    true: Sequence[float],
    read: Sequence[float] | None,
) -> Markup:
    """The energy over the candidate keys; the lowest point is the key read.

    Arguments:
        candidates: The K key values tried.
        energies: Their energies, M x K values, key after key.
        true: The M true values, marked by a line.
        read: The M values read, marked by a triangle.

    Returns:
        The drawing; empty when there is no curve to draw.
    """
    count = len(candidates)
    if count < 3 or len(energies) != count * len(true) or not read or len(read) != len(true):
        return Markup("")
    shown = min(PLOTS, len(true))
    width = 160 / shown
    parts = [
        _curve(candidates, energies[m * count :][:count], true[m], read[m], m * width, width)
        for m in range(shown)
    ]
    some = f" (the first {shown} of {len(true)} keys)" if shown < len(true) else ""
    said = f"Energy over candidate keys{some}: true {_values(true)}; lowest at {_values(read)}"
    return tiny("energy", WIDTH, 52, said, *parts)


def _curve(
    candidates: Sequence[float],
    energies: Sequence[float],
    true: float,
    read: float,
    left: float,
    width: float,
) -> str:
    low, high = min(energies), max(energies)
    spread = (high - low) or 1.0
    inner = width - 8

    def x(key: float) -> float:
        return left + 4 + inner * key

    pairs = sorted(zip(candidates, energies, strict=True))
    points = joined((x(k), 40 - 34 * (e - low) / spread) for k, e in pairs)
    middle = round(x(read), 1)
    return (
        f'<line class="true" x1="{x(true):.1f}" x2="{x(true):.1f}" y1="2" y2="44"/>'
        f'<polyline points="{points}"/>'
        f'<path class="read" d="M{middle:.1f} 44 l4 7 h-8 z"/>'
    )


def _grey(value: float) -> str:
    level = round(255 * min(1.0, max(0.0, value)))
    return f"#{level:02x}{level:02x}{level:02x}"


def _values(values: Sequence[float]) -> str:
    shown = ", ".join(plain(value) for value in values[:8])
    return f"{shown}, and {len(values) - 8} more" if len(values) > 8 else shown
