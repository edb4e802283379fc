"""What a run of InvMM asks: which model, which images, how they are inverted, and how long."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from solidmark.data import Mode, Resolution
from solidmark.diffusion import Model
from solidmark.errors import BadInput, UnknownName
from solidmark.generating.configuration import check_counts
from solidmark.measures.invmm.budget import Budget
from solidmark.measures.invmm.inversion import PRESETS, Inversion
from solidmark.models import Opening, PromptSpace, model_fingerprints, prompt_space
from solidmark.models.foreseen import META, Foreseen
from solidmark.runs import Run, check_device, fingerprint, open_run
from solidmark.subjects import (
    SPLITS,
    Likeness,
    Subjects,
    first_for,
    open_subject_model,
    open_subjects,
    weights_of,
)

TRIAGES = ("none", "solidmark", "energy", "loss", "magnitude", "spread")
"""In which order images are inverted: by chance, by a reading of their keys, or by a signal."""


@dataclass(frozen=True)
class InvMM:
    """The whole configuration of a run of InvMM.

    Arguments:
        model: A pipeline folder, a hub id, or a control (`memorizer`, `gaussian`, `average`,
            `average-per-caption`).
        images: A folder of `solidmark mark`, or any images that the model was trained on.
        out: The folder to write.
        inversion: How an image is inverted.
        held_out: Images that the model never saw; those of a marked folder where None.
        similarity: By what a drawn picture is compared: `l2`, `patched-l2`, or an embedder.
        threshold: From which similarity on it counts as the image; None = calibrated.
        fpr: The rate at which unrelated pictures may pass a calibrated threshold.
        restarts: Attempts an image, each with noise of its own.
        triage: In which order images are inverted.
        audit: Of the triage `solidmark`: an audit of these images, whose p-values are taken.
        budget: What may be spent; None = no limit.
        batch_size: Images that are inverted at a time.
        call_size: Noise samples a network call at most; halved where the memory is not enough.
        splits: Which images are asked about.
        limit: At most so many images a split, drawn at random; None = all.
        seed: Of all that is drawn.
        caption: The prompt of images that have no caption.
        resolution: Of plain images: the side they are scaled to.
        mode: Of plain images: "RGB" or "L".
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        opening: Where and in what the model runs, and what is added to it.
    """

    model: str
    images: str
    out: Path
    inversion: Inversion = field(default_factory=lambda: PRESETS["quick"])
    held_out: str | None = None
    similarity: str = "l2"
    threshold: float | None = None
    fpr: float = 0.001
    restarts: int = 1
    triage: str = "none"
    audit: Path | None = None
    budget: Budget | None = None
    batch_size: int = 32
    call_size: int = 256
    splits: tuple[str, ...] = SPLITS
    limit: int | None = None
    seed: int = 0
    caption: str | None = None
    resolution: Resolution | None = None
    mode: Mode | None = None
    window: str = "full"
    opening: Opening = field(default_factory=Opening)

    def __post_init__(self) -> None:
        check_counts(
            restarts=self.restarts,
            batch_size=self.batch_size,
            call_size=self.call_size,
            limit=self.limit,
        )
        if self.triage not in TRIAGES:
            raise UnknownName("triage", self.triage, TRIAGES)
        if not 0 < self.fpr < 1:
            raise BadInput(f"--fpr must be above 0 and below 1, not {self.fpr:g}.")
        if self.threshold is not None and not -1 <= self.threshold <= 1:
            raise BadInput(f"--threshold is a similarity, in [-1, 1], not {self.threshold:g}.")
        if self.audit is not None and self.triage != "solidmark":
            raise BadInput("--audit is for --triage solidmark. Ask for that, or leave it out.")
        if "trained" not in self.splits:
            raise BadInput("Held-out images alone say nothing. Add --split trained.")

    def open_subjects(self) -> Subjects:
        """Opens the images.

        Raises:
            BadInput: When a triage reads keys, and they have none.
        """
        subjects = open_subjects(
            self.images,
            self.held_out,
            caption=self.caption,
            limit=self.limit,
            seed=self.seed,
            splits=self.splits,
            resolution=self.resolution,
            mode=self.mode,
            window=self.window,
            one_size=True,
        ).of_one_size("invmm")
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
        model = open_subject_model(self.model, self.opening, subjects, self.seed)
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
        found = {**subjects.fingerprint(), **model_fingerprints(self.model, self.opening)}
        found |= weights_of(likeness)
        if self.audit is not None:
            found["audit"] = fingerprint(self.audit / "scores.parquet")
        return open_run(self.out, "invmm", self.to_json(), found)

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        opening, inversion = asdict(values.pop("opening")), asdict(values.pop("inversion"))
        budget = values.pop("budget")
        values.pop("out")
        plain = {k: str(v) if isinstance(v, Path) else v for k, v in values.items()}
        plain |= {"splits": list(self.splits), "budget": None if budget is None else asdict(budget)}
        return {**plain, **opening, "inversion": inversion}
