"""Signals that a process of its own measures, to be killed."""

from pathlib import Path

from solidmark.measures.signals import Measuring, measure_signals


def measure(model: Path, marked: Path, out: Path) -> None:
    """Long enough to be killed within."""
    asked = Measuring(str(model), str(marked), out, ("loss", "spread"), times=100, batch_size=2)
    measure_signals(asked)
