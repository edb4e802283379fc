"""What a run of `solidmark signals` asks: which signals, of which model, about which images."""

from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from solidmark.data import Mode, Resolution
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.generating.configuration import check_counts
from solidmark.measures.signals.kinds import SIGNALS, Signal, open_signals
from solidmark.models import Opening, model_fingerprints
from solidmark.runs import Run, open_run
from solidmark.subjects import SPLITS, Subjects, open_subject_model, open_subjects


@dataclass(frozen=True)
class Measuring:
    """The whole configuration of a run.

    Arguments:
        model: A pipeline folder, a hub id, or a control (`memorizer`, `gaussian`, `average`,
            `average-per-caption`).
        images: A folder of `solidmark mark`, or any images that the model was trained on.
        out: The folder to write.
        signals: Names of `measures.signals.SIGNALS`. Those that the model cannot be asked for are
            left out, and the results say why.
        held_out: Images that the model never saw; those of a marked folder where None.
        draws: Noises of an image or a prompt: of spread, magnitude and magnitude-path.
        times: Noise levels of an image: of loss and image-magnitude.
        steps: How many of the first steps magnitude-path averages.
        guidance: The scale of guidance along its path.
        t: The time at which spread asks.
        splits: Which images are asked about.
        limit: At most so many images a split, drawn at random; None = all.
        batch_size: Images a network call; fewer are tried where they do not fit into the memory.
        seed: Of all noise.
        caption: The prompt of images that have no caption.
        resolution: Of plain images: the side they are scaled to.
        mode: Of plain images: "RGB" or "L".
        window: Which values of deep pictures are black and white ("full", "used", "LOW:HIGH").
        opening: Where and in what the model runs, and what is added to it.
    """

    model: str
    images: str
    out: Path
    signals: tuple[str, ...] = tuple(SIGNALS)
    held_out: str | None = None
    draws: int = 4
    times: int = 8
    steps: int = 5
    guidance: float = 7.5
    t: float = 0.01
    splits: tuple[str, ...] = SPLITS
    limit: int | None = None
    batch_size: int = 64
    seed: int = 0
    caption: str | None = None
    resolution: Resolution | None = None
    mode: Mode | None = None
    window: str = "full"
    opening: Opening = field(default_factory=Opening)

    def __post_init__(self) -> None:
        check_counts(
            draws=self.draws, times=self.times, limit=self.limit, batch_size=self.batch_size
        )
        if not self.signals:
            raise BadInput("No signal was named. Give one with --signal.")
        if "trained" not in self.splits:
            raise BadInput("Held-out images alone say nothing. Add --split trained.")
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

    def open_subjects(self) -> Subjects:
        """Opens the images.

        Raises:
            NotFound: When there is no such data.
            BadInput: When there are no images to ask about.
        """
        return open_subjects(
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
        ).of_one_size("signals")

    def open_model(self, subjects: Subjects) -> Model:
        """Opens the model, and checks that the images fit it.

        Raises:
            BadInput: When channels or sizes differ, or captions are missing.
        """
        return open_subject_model(self.model, self.opening, subjects, self.seed)

    def open_run(self, subjects: Subjects) -> Run:
        """Opens the folder to write: new, or the same run again.

        Raises:
            RunConflict: When it holds another run.
        """
        prints = subjects.fingerprint() | model_fingerprints(self.model, self.opening)
        return open_run(self.out, "signals", self.to_json(), prints)

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest; the folder to write is no part of it."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        del values["out"], values["opening"]
        opening = {**asdict(self.opening), "loras": list(self.opening.loras)}
        # The page finds the pictures of a marked folder under this name.
        return {**values, **opening, "marked": self.images}
