"""What a run of `solidmark intent` asks: which model, which prompts, and what counts as often."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from solidmark.data import Mode, Resolution, sides_of
from solidmark.errors import BadInput
from solidmark.generating.configuration import check_counts, check_sampling, to_plain
from solidmark.mitigations import Mitigation
from solidmark.models import Opening

PER_PROMPT = 16
UNRELATED = 16
"""Prompts that are drawn to see what comes anyhow, beside those that are asked about."""

FPR = 1e-3
"""The share of pairs of different training pictures that count as a copy."""

SET_FPR = 0.05
"""The share of training pictures outside a class or a phrase that count as showing it."""

FREQUENT = 0.25
FDR = 0.05
TEXT_THRESHOLD = 0.6


@dataclass(frozen=True)
class Rules:
    """When a feature counts as shown, and when it counts as frequent. Scoring again changes these.

    Arguments:
        threshold: The likeness from which a generation is a copy of a training picture; None =
            calibrated on pairs of different training pictures.
        fpr: The share of those pairs that the calibrated threshold lets through, at most.
        set_fpr: The share of training pictures outside a class or phrase that are taken to show it.
        frequent: The least share of the generations of a prompt.
        fdr: The false-discovery rate of each of the three kinds of tests.
    """

    threshold: float | None = None
    fpr: float = FPR
    set_fpr: float = SET_FPR
    frequent: float = FREQUENT
    fdr: float = FDR

    def __post_init__(self) -> None:
        shares = {"fpr": self.fpr, "set-fpr": self.set_fpr, "fdr": self.fdr}
        for name, value in shares.items():
            if not 0 < value < 1:
                raise BadInput(f"--{name} must be above 0 and below 1, not {value:g}.")
        if not 0 < self.frequent <= 1:
            raise BadInput(f"--frequent must be above 0 and at most 1, not {self.frequent:g}.")
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise BadInput(f"--threshold is a likeness in [-1, 1], not {self.threshold:g}.")


@dataclass(frozen=True)
class Intent:
    """The whole configuration.

    Arguments:
        model: A pipeline folder, a hub id, or a control: `memorizer` and `average-per-caption`
            are told the captions, `gaussian` and `average` nothing.
        training: What it was trained on: a marked folder, or any data source.
        out: The folder to write.
        prompts: A file of prompts; None = the captions of the training images.
        captions: Prompts, instead of a file.
        per_prompt: k, the generations of each text.
        limit: At most so many prompts, drawn at random.
        features: A file of the user's features.
        expected: A file of what the user expects.
        unrelated: So many captions that no prompt repeats are drawn too, to see what comes anyhow.
        unrelated_prompts: A file of prompts to draw them from instead.
        similarity: What says how alike two pictures look, as `measures.open_likeness` takes it.
        rules: When a feature counts as shown and as frequent.
        text_encoder: A sentence encoder, a folder or hub id; None = exact words.
        text_threshold: The similarity of two texts from which one names the other.
        caption: What stands in for the caption of an image that has none.
        resolution: Of a data source: the side in pixels.
        mode: Of a data source: "RGB" or "L".
        steps: Network calls an image; twice as many with guidance.
        eta: 0 = deterministic sampling (DDIM), 1 = ancestral (DDPM).
        guidance: Scale of classifier-free guidance.
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
    prompts: Path | None = None
    captions: tuple[str, ...] = ()
    per_prompt: int = PER_PROMPT
    limit: int | None = None
    features: Path | None = None
    expected: Path | None = None
    unrelated: int = UNRELATED
    unrelated_prompts: Path | None = None
    similarity: str = "l2"
    rules: Rules = field(default_factory=Rules)
    text_encoder: str | None = None
    text_threshold: float = TEXT_THRESHOLD
    caption: str | None = None
    resolution: Resolution | None = None
    mode: Mode | None = None
    window: str = "full"
    steps: int = 50
    eta: float = 0.0
    guidance: float = 1.0
    batch_size: int = 64
    seed: int = 0
    opening: Opening = field(default_factory=Opening)
    mitigations: tuple[Mitigation, ...] = ()
    trust_control: bool = False

    def __post_init__(self) -> None:
        check_sampling(self.steps, self.eta, self.guidance)
        check_counts(
            per_prompt=self.per_prompt,
            limit=self.limit,
            batch_size=self.batch_size,
        )
        if self.resolution is not None:
            sides_of(self.resolution)
        if self.unrelated < 0:
            raise BadInput(f"--unrelated must be 0 or more, not {self.unrelated}.")
        if self.prompts is not None and self.captions:
            raise BadInput("--prompts and --caption both say what to ask. Leave one out.")
        if not -1 <= self.text_threshold <= 1:
            raise BadInput(f"--text-threshold must be in [-1, 1], not {self.text_threshold:g}.")

    def to_json(self) -> dict[str, Any]:
        """What the generations depend on, as it stands in the manifest.

        Rules and expectations are not among it: they are changed without asking the model again.
        """
        again = ("rules", "expected", "trust_control")
        return {name: value for name, value in to_plain(self).items() if name not in again}
