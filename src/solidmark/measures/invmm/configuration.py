"""What a run of InvMM asks: which model, which images, how they are inverted, and how long."""

from dataclasses import asdict, dataclass, field
from typing import Any

from solidmark.cards.asked import Inverted
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.measures.invmm.budget import Budget
from solidmark.measures.invmm.inversion import PRESETS, Inversion
from solidmark.models import PromptSpace, prompt_space
from solidmark.models.foreseen import META, Foreseen
from solidmark.runs import Run, check_device, fingerprint, open_run
from solidmark.subjects import AskingSome, Likeness, Subjects, first_for, weights_of


@dataclass(frozen=True)
class InvMM(Inverted, AskingSome):
    """The whole configuration of a run of InvMM.

    Arguments:
        inversion: How an image is inverted.
        threshold: From which similarity on it counts as the image; None = calibrated.
        budget: What may be spent; None = no limit.
    """

    command = "invmm"
    inversion: Inversion = field(default_factory=lambda: PRESETS["quick"])
    threshold: float | None = None
    budget: Budget | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise BadInput(f"--threshold is a similarity, in [-1, 1], not {self.threshold:g}.")
        if self.audit is not None and self.triage != "solidmark":
            raise BadInput("--audit is for --triage solidmark. Ask for that, or leave it out.")
        self.require_trained()

    def open_subjects(self) -> Subjects:
        """Opens the images.

        Raises:
            BadInput: When a triage reads keys, and they have none.
        """
        subjects = super().open_subjects()
        if self.triage in ("solidmark", "energy") and subjects.marked is None:
            raise BadInput(
                f'--triage {self.triage} reads keys, and "{self.images}" is no folder of '
                '"solidmark mark". Use --triage loss, or leave it out.'
            )
        return subjects

    def open_model(self, subjects: Subjects) -> Model:
        """Opens the model and checks that it can be asked about images like these.

        Raises:
            BadInput: When model and images do not fit.
            MissingCapability: When there is guidance, and the model has nothing to be led from.
        """
        if self.opening.device != META:
            check_device(self.opening.device)
        model = super().open_model(subjects)
        if set(self.inversion.guidances) != {1.0}:
            model.unconditional(model.condition([first_for(model, subjects)]))
        return model

    def open_prompts(self, model: Model) -> PromptSpace | None:
        """What prompts can be made of, where they are to be found.

        Raises:
            MissingCapability: When the model is told no text.
        """
        if isinstance(model, Foreseen) and model.captioned:
            return None  # There is one, which is opened with its text encoder.
        return prompt_space(model) if self.inversion.prompt == "inverted" else None

    def open_run(self, subjects: Subjects, likeness: Likeness) -> Run:
        """Opens the run folder, which holds this configuration and no other."""
        return open_run(self.out, self.command, self.to_json(), self.prints(subjects, likeness))

    def prints(self, subjects: Subjects, likeness: Likeness) -> dict[str, str]:
        """What the run is recognised by."""
        found = self.fingerprints(subjects) | weights_of(likeness)
        if self.audit is not None:
            found["audit"] = fingerprint(self.audit / "scores.parquet")
        return found

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest."""
        budget = None if self.budget is None else asdict(self.budget)
        return {**super().to_json(), "inversion": asdict(self.inversion), "budget": budget}
