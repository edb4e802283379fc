"""What every run asks that puts single images to a model: which model, which images, how."""

from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from solidmark.cards.asked import Hashed, Sized
from solidmark.cards.option import Positive, Whole, check
from solidmark.diffusion import Model
from solidmark.errors import BadInput, UnknownName
from solidmark.generating.configuration import to_plain
from solidmark.models import Opening, model_fingerprints
from solidmark.runs import Run, open_run
from solidmark.subjects.subjects import SPLITS, Subjects, open_subject_model, open_subjects


@dataclass(frozen=True)
class Asking(Sized, Hashed):
    """The configuration that all these runs share; each adds its command and what is its own.

    Arguments:
        model: A pipeline folder, a hub id, or a control (`memorizer`, `gaussian`, `average`,
            `average-per-caption`).
        images: A folder of `solidmark mark`, or any images that the model was trained on.
        out: The folder to write.
        held_out: Images that the model never saw; those of a marked folder where None.
        batch_size: Images a network call; fewer are tried where they do not fit into the memory.
        seed: Of all that is drawn.
        caption: The prompt of images that have no caption.
        opening: Where and in what the model runs, and what is added to it.
    """

    command: ClassVar[str]
    model: str
    images: str
    out: Path
    _: KW_ONLY
    held_out: str | None = None
    batch_size: Positive = 64
    seed: int = 0
    caption: str | None = None
    opening: Opening = field(default_factory=Opening)

    def __post_init__(self) -> None:
        check(self)

    def open_subjects(self) -> Subjects:
        """Opens the images.

        Raises:
            NotFound: When there is no such data.
            BadInput: When there are no images to ask about.
        """
        return self._opened(SPLITS, None)

    def _opened(self, splits: tuple[str, ...], limit: int | None) -> Subjects:
        return open_subjects(
            self.images,
            self.held_out,
            caption=self.caption,
            limit=limit,
            seed=self.seed,
            splits=splits,
            resolution=self.resolution,
            mode=self.mode,
            window=self.window,
            hash_ids=self.hash_ids,
            one_size=True,
        ).of_one_size(self.command)

    def open_model(self, subjects: Subjects) -> Model:
        """Opens the model, and checks that the images fit it.

        Raises:
            BadInput: When channels or sizes differ, or captions are missing.
        """
        return open_subject_model(self.model, self.opening, subjects, self.seed)

    def open_folder(self, subjects: Subjects) -> Run:
        """Opens the folder to write: new, or the same run again.

        Raises:
            RunConflict: When it holds another run.
        """
        return open_run(self.out, self.command, self.to_json(), self.fingerprints(subjects))

    def fingerprints(self, subjects: Subjects) -> dict[str, str]:
        """What a run is recognised by: the images and the model."""
        return subjects.fingerprint() | model_fingerprints(self.model, self.opening)

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest; the folder to write is no part of it."""
        return to_plain(self)


@dataclass(frozen=True)
class AskingSome(Asking):
    """The same, of some of the images.

    Arguments:
        splits: Which images are asked about.
        limit: At most so many images a split, drawn at random; None = all.
    """

    _: KW_ONLY
    splits: tuple[str, ...] = SPLITS
    limit: Whole = None

    def __post_init__(self) -> None:
        super().__post_init__()
        for split in self.splits:
            if split not in SPLITS:
                raise UnknownName("split", split, SPLITS)

    def require_trained(self) -> None:
        """Checks that trained images are asked about.

        Raises:
            BadInput: When only held-out ones are.
        """
        if "trained" not in self.splits:
            raise BadInput("Held-out images alone say nothing. Add --split trained.")

    def open_subjects(self) -> Subjects:
        """Opens the images; raises as `Asking.open_subjects`."""
        return self._opened(self.splits, self.limit)
