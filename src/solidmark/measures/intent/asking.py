"""What a run of `solidmark intent` asks: which model, which prompts, and what counts as often."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.cards.asked import Hashed, Prompted, Ruled, Sized
from solidmark.cards.option import Positive, check
from solidmark.data import sides_of
from solidmark.errors import BadInput
from solidmark.generating.configuration import to_plain
from solidmark.mitigations import Mitigation
from solidmark.models import Opening


@dataclass(frozen=True)
class Rules(Ruled):
    """When a feature counts as shown, and when it counts as frequent. Scoring again changes these.

    Arguments:
        threshold: The likeness from which a generation is a copy of a training picture; None =
            calibrated on pairs of different training pictures.
    """

    threshold: float | None = None

    def __post_init__(self) -> None:
        check(self)
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise BadInput(f"--threshold is a likeness in [-1, 1], not {self.threshold:g}.")


@dataclass(frozen=True)
class Intent(Prompted, Sized, Hashed):
    """The whole configuration.

    Arguments:
        model: A pipeline folder, a hub id, or a control: `memorizer` and `average-per-caption`
            are told the captions, `gaussian` and `average` nothing.
        training: What it was trained on: a marked folder, or any data source.
        out: The folder to write.
        captions: Prompts, instead of a file.
        features: A file of the user's features.
        rules: When a feature counts as shown and as frequent.
        caption: What stands in for the caption of an image that has none.
        batch_size: Images a network call.
        seed: Of the noise and of what is drawn.
        opening: Where and in what the model runs, and what is added to it.
        mitigations: What is done to what the model is told, in this order; each generation draws
            its own words and noise.
        trust_control: Whether classes and phrases are judged although the pictures under the
            unrelated prompts are of another kind.
    """

    model: str
    training: str
    out: Path
    captions: tuple[str, ...] = ()
    features: Path | None = None
    rules: Rules = field(default_factory=Rules)
    caption: str | None = None
    batch_size: Positive = 64
    seed: int = 0
    opening: Opening = field(default_factory=Opening)
    mitigations: tuple[Mitigation, ...] = ()
    trust_control: bool = False

    def __post_init__(self) -> None:
        check(self)
        if self.resolution is not None:
            sides_of(self.resolution)
        if self.prompts is not None and self.captions:
            raise BadInput("--prompts and --caption both say what to ask. Leave one out.")

    def to_json(self) -> dict[str, Any]:
        """What the generations depend on, as it stands in the manifest.

        Rules and expectations are not among it: they are changed without asking the model again.
        """
        again = ("rules", "expected", "trust_control")
        return {name: value for name, value in to_plain(self).items() if name not in again}
