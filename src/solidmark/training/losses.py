"""The loss of each step: as a table, and as a picture."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from solidmark.runs import write_bytes
from solidmark.training.batches import Plan

POINTS = 500
"""How many points the curve has at most; each is a mean over consecutive steps."""


def write_losses(
    path: Path, losses: Sequence[float], plan: Plan, rate: Callable[[int], float]
) -> None:
    """Writes one CSV row a step: step and epoch from 1, loss, learning rate."""
    rows = ["step,epoch,loss,learning_rate\n"]
    for step, loss in enumerate(losses):
        rows.append(f"{step + 1},{step // plan.steps_per_epoch + 1},{loss!r},{rate(step)!r}\n")
    write_bytes(path, "".join(rows).encode())


def draw_losses(path: Path, losses: Sequence[float]) -> None:
    """Draws the loss over the steps as an SVG; the same losses are the same file."""
    from matplotlib import rc_context
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    steps, means = thin(losses)
    with rc_context({"svg.hashsalt": "solidmark", "svg.fonttype": "none"}):
        figure = Figure(figsize=(6.4, 3.2), layout="constrained")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot()
        axes.plot(steps, means, color="#2b5c8a", linewidth=1)
        axes.set_yscale("log")
        axes.set_xlabel("step")
        axes.set_ylabel("loss (mean squared error)")
        axes.spines[["top", "right"]].set_visible(False)
        file = io.BytesIO()
        figure.savefig(file, format="svg", metadata={"Date": None})
    write_bytes(path, file.getvalue())


def thin(losses: Sequence[float]) -> tuple[list[float], list[float]]:
    """The means over at most `POINTS` runs of consecutive steps, and where each run ends."""
    ends = np.unique(np.linspace(0, len(losses), min(POINTS, len(losses)) + 1).astype(int))
    sums = np.concatenate([[0.0], np.cumsum(np.asarray(losses, dtype=float))])
    means = np.diff(sums[ends]) / np.diff(ends)
    return ends[1:].tolist(), means.tolist()
