"""The cheap signals of memorization over a set of images."""

from solidmark.measures.signals.configuration import Measuring
from solidmark.measures.signals.measuring import measure_signals
from solidmark.measures.signals.scoring import score_signals

__all__ = [
    "Measuring",
    "measure_signals",
    "score_signals",
]
