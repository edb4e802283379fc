"""The cheap signals: what a model gives away of an image for a few network calls."""

from solidmark.measures.signals.image_magnitude import ImageMagnitude
from solidmark.measures.signals.loss import Loss
from solidmark.measures.signals.magnitude import Magnitude
from solidmark.measures.signals.opening import SIGNALS, open_signals
from solidmark.measures.signals.path import PathMagnitude
from solidmark.measures.signals.signal import Signal, SignalCard, suspicion, told_of
from solidmark.measures.signals.spread import Spread

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
