"""The cheap signals of memorization over a set of images."""

from solidmark.signals.agreement import rank_agreement
from solidmark.signals.configuration import Measuring
from solidmark.signals.measuring import measure_signals
from solidmark.signals.scoring import score_signals

__all__ = [
    "Measuring",
    "measure_signals",
    "rank_agreement",
    "score_signals",
]
