"""What a run of `solidmark signals` asks: which signals, of which model, about which images."""

from dataclasses import dataclass
from typing import Any

from solidmark.cards import USUAL_SIGNALS
from solidmark.cards.option import Positive
from solidmark.errors import BadInput
from solidmark.measures.signals.kinds import SIGNALS, Signal, open_signals
from solidmark.subjects import AskingSome


@dataclass(frozen=True)
class Measuring(AskingSome):
    """The whole configuration of a run.

    Arguments:
        signals: Names of `measures.signals.SIGNALS`. Those that the model cannot be asked for are
            left out, and the results say why.
        draws: Noises of an image or a prompt, of the signals that draw any.
        times: Noise levels of an image: of loss and image-magnitude.
        steps: How many of the first steps magnitude-path averages.
        guidance: The scale of guidance along its path.
        t: The time at which spread asks.
    """

    command = "signals"
    signals: tuple[str, ...] = USUAL_SIGNALS
    draws: Positive = 4
    times: Positive = 8
    steps: int = 5
    guidance: float = 7.5
    t: float = 0.01

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.signals:
            raise BadInput("No signal was named. Give one with --signal.")
        self.require_trained()
        self.open_signals()

    def open_signals(self) -> list[Signal]:
        """The signals that are asked for, whatever the model.

        Raises:
            UnknownName: When there is no such signal.
            BadInput: When an option makes no sense.
        """
        open_signals(self.signals)
        options = ("draws", "times", "steps", "guidance", "t")
        every = open_signals(list(SIGNALS), **{name: getattr(self, name) for name in options})
        return [signal for signal in every if signal.card.name in self.signals]

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest; the folder to write is no part of it."""
        # The page finds the pictures of a marked folder under this name.
        return {**super().to_json(), "marked": self.images}
