"""The cheap signals: what a model gives away of an image for a few network calls."""

from solidmark.measures.signals.kinds.image_magnitude import ImageMagnitude
from solidmark.measures.signals.kinds.loss import Loss
from solidmark.measures.signals.kinds.magnitude import Magnitude
from solidmark.measures.signals.kinds.opening import SIGNALS, open_signals
from solidmark.measures.signals.kinds.path import PathMagnitude
from solidmark.measures.signals.kinds.signal import Signal, SignalCard, suspicion, told_of
from solidmark.measures.signals.kinds.spread import Spread

__all__ = [
    "SIGNALS",
    "ImageMagnitude",
    "Loss",
    "Magnitude",
    "PathMagnitude",
    "Signal",
    "SignalCard",
    "Spread",
    "open_signals",
    "suspicion",
    "told_of",
]
