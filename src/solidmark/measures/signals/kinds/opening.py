"""The signals by their names."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from solidmark.errors import UnknownName
from solidmark.measures.signals.kinds.anisotropy import Anisotropy
from solidmark.measures.signals.kinds.attention import AttentionEntropy
from solidmark.measures.signals.kinds.bright_ending import BrightEnding
from solidmark.measures.signals.kinds.fixed_loss import FixedLoss
from solidmark.measures.signals.kinds.flipd import Flipd
from solidmark.measures.signals.kinds.image_magnitude import ImageMagnitude
from solidmark.measures.signals.kinds.loss import Loss
from solidmark.measures.signals.kinds.magnitude import Magnitude
from solidmark.measures.signals.kinds.path import PathMagnitude
from solidmark.measures.signals.kinds.sharpness import Sharpness
from solidmark.measures.signals.kinds.signal import Signal
from solidmark.measures.signals.kinds.sima import Sima
from solidmark.measures.signals.kinds.spread import Spread

SIGNALS: dict[str, type[Any]] = {
    "loss": Loss,
    "spread": Spread,
    "magnitude": Magnitude,
    "magnitude-path": PathMagnitude,
    "image-magnitude": ImageMagnitude,
    "fixed-loss": FixedLoss,
    "sima": Sima,
    "flipd": Flipd,
    "anisotropy": Anisotropy,
    "sharpness": Sharpness,
    "attention-entropy": AttentionEntropy,
    "bright-ending": BrightEnding,
}
"""The signals, the ones that every model has first."""


def open_signals(names: Sequence[str], **options: Any) -> list[Signal]:
    """Makes signals.

    Arguments:
        names: Of `SIGNALS`, each once.
        options: Fields of signals by their names, such as `draws=8`. Each signal takes those that
            it has; None leaves a field as it is.

    Raises:
        UnknownName: When there is no such signal, or none of them has such a field.
        BadInput: When a value makes no sense.

    Example:
        >>> open_signals(["loss", "spread"], draws=2)
        [Loss(times=8), Spread(t=0.01, draws=2)]
    """
    for name in names:
        if name not in SIGNALS:
            raise UnknownName("signal", name, SIGNALS)
    given = {name: value for name, value in options.items() if value is not None}
    known = {name: {field.name for field in fields(SIGNALS[name])} for name in names}
    for option in given:
        if not any(option in own for own in known.values()):
            raise UnknownName("option of these signals", option, set().union(*known.values()))
    return [
        SIGNALS[name](**{key: value for key, value in given.items() if key in known[name]})
        for name in dict.fromkeys(names)
    ]
