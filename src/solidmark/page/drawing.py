"""A figure, drawn without a window: the colours and the style that all figures of a page share."""

import io
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from solidmark.page.svg import clean

BLUE, ORANGE, GREEN, GREY, INK = "#0072b2", "#c44e00", "#007a5a", "#767676", "#222222"
"""Told apart by every kind of colour vision; the page's style sheet swaps them in the dark."""

LOOK = {
    "trained": (BLUE, "-", "o"),
    "held_out": (ORANGE, "--", "x"),
    "ceiling": (GREEN, "-.", "s"),
}
"""Colour, line and marker of each split: never told apart by colour alone."""

STYLE = {
    "svg.fonttype": "none",
    "svg.hashsalt": "solidmark",
    "font.family": "DejaVu Sans",
    "font.size": 9.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.facecolor": "#ffffff",
    "axes.facecolor": "none",
}


@dataclass(frozen=True)
class Drawing:
    """A figure, drawn.

    Arguments:
        name: Its file name without a suffix.
        title: What it shows.
        caption: How to read it.
        svg: As a standalone SVG, which may stand in the page too.
        png: As a picture.
    """

    name: str
    title: str
    caption: str
    svg: str
    png: bytes


def legend(axes: Any) -> None:
    """Above the plot, so that it hides nothing."""
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2, fontsize=8)


def drawing(paint: Callable[[Any], None], name: str, title: str, caption: str) -> Drawing:
    """Draws without pyplot: no window, no global state, nothing to close.

    Arguments:
        paint: Draws into the axes that it is given.
        name: Its file name without a suffix, before it is made fit for one.
        title: What it shows.
        caption: How to read it.
    """
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-") or "figure"
    vector, raster = painted(paint)
    return Drawing(slug, title, caption, clean(vector, slug, title, caption), raster)


def painted(paint: Callable[[Any], None]) -> tuple[str, bytes]:
    """The SVG, as matplotlib writes it, and the PNG of what is painted.

    Arguments:
        paint: Draws into the axes that it is given.
    """
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        figure = Figure(figsize=(4.6, 3.7), layout="constrained")
        FigureCanvasAgg(figure)
        paint(figure.add_subplot())
        # Laid out once, and for both files alike: `savefig` would do so four times.
        figure.draw_without_rendering()
        figure.set_layout_engine("none")
        vector, raster = io.StringIO(), io.BytesIO()
        FigureCanvasSVG(figure).print_svg(vector, metadata={"Date": None})
        figure.dpi = 150
        FigureCanvasAgg(figure).print_png(raster, metadata={"Software": None})
    return vector.getvalue(), raster.getvalue()
