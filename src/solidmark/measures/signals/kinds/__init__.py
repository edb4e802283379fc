"""The cheap signals: what a model gives away of an image for a few network calls."""

from solidmark.measures.signals.kinds.anisotropy import Anisotropy
from solidmark.measures.signals.kinds.attention import AttentionEntropy
from solidmark.measures.signals.kinds.bright_ending import BrightEnding
from solidmark.measures.signals.kinds.fixed_loss import FixedLoss
from solidmark.measures.signals.kinds.flipd import Flipd
from solidmark.measures.signals.kinds.image_magnitude import ImageMagnitude
from solidmark.measures.signals.kinds.loss import Loss
from solidmark.measures.signals.kinds.magnitude import Magnitude
from solidmark.measures.signals.kinds.opening import SIGNALS, open_signals
from solidmark.measures.signals.kinds.path import PathMagnitude
from solidmark.measures.signals.kinds.sharpness import Sharpness
from solidmark.measures.signals.kinds.signal import Signal, SignalCard, suspicion, told_of
from solidmark.measures.signals.kinds.sima import Sima
from solidmark.measures.signals.kinds.spread import Spread

__all__ = [
    "SIGNALS",
    "Anisotropy",
    "AttentionEntropy",
    "BrightEnding",
    "FixedLoss",
    "Flipd",
    "ImageMagnitude",
    "Loss",
    "Magnitude",
    "PathMagnitude",
    "Sharpness",
    "Signal",
    "SignalCard",
    "Sima",
    "Spread",
    "open_signals",
    "suspicion",
    "told_of",
]
