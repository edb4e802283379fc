"""What an audit asks: which model, which images, how it is read."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from solidmark.audit.controls import control_images
from solidmark.diffusion import Model
from solidmark.errors import BadInput, UnknownName
from solidmark.marks import FOLDERS, Marked, open_marked
from solidmark.models import CONTROLS, PixelModel, open_model
from solidmark.models.pixel import Precision
from solidmark.readers import Energy, Reader
from solidmark.runs import Run, fingerprint, open_run


@dataclass(frozen=True)
class Question:
    """The whole configuration of an audit.

    Arguments:
        model: A pipeline folder, a hub id, or a control (`memorizer`, `gaussian`).
        marked: A folder of `solidmark mark`.
        out: The folder to write.
        readers: How keys are read; each reader once.
        splits: Which splits are asked: `trained`, `held_out`.
        limit: At most so many images a split, drawn at random; None = all.
        repeats: Evaluations an image; only readers that draw noise gain by more than one.
        ceiling: Whether the readers are pointed at a perfect memorizer too.
        batch_size: Images a network call.
        seed: The seed of the query noise.
        device: Where the network runs: `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: What the network computes in.
    """

    model: str
    marked: Path
    out: Path
    readers: tuple[Reader, ...] = field(default_factory=lambda: (Energy(),))
    splits: tuple[str, ...] = tuple(FOLDERS)
    limit: int | None = None
    repeats: int = 1
    ceiling: bool = True
    batch_size: int = 64
    seed: int = 0
    device: str = "cpu"
    precision: Precision = "fp32"

    def __post_init__(self) -> None:
        for name, value in (("--batch-size", self.batch_size), ("--repeats", self.repeats)):
            if value < 1:
                raise BadInput(f"{name} must be 1 or more, not {value}.")
        if self.limit is not None and self.limit < 1:
            raise BadInput(f"--limit must be 1 or more, not {self.limit}.")
        for split in self.splits:
            if split not in FOLDERS:
                raise UnknownName("split", split, FOLDERS)
        names = [reader.name for reader in self.readers]
        if not names or len(set(names)) < len(names):
            found = ", ".join(names) or "none"
            raise BadInput(f"Each reader can be asked once; found: {found}. Name each one once.")

    def open_images(self) -> Marked:
        """Opens the marked folder.

        Raises:
            BadInput: When a split that is asked for has no marked image.
        """
        marked = open_marked(self.marked)
        for split in self.splits:
            if not marked.ids(split):
                raise BadInput(
                    f'"{self.marked}" has no {split} images. '
                    "Mark with a larger --held-out, or leave the split out with --split."
                )
        return marked

    def open_model(self, marked: Marked) -> Model:
        """Opens the model and checks that it was made for images like these.

        Raises:
            BadInput: When channels or sizes differ.
        """
        model = open_model(
            self.model,
            device=self.device,
            precision=self.precision,
            control_images=lambda name: control_images(marked, name, self.seed),
        )
        if model.channels != marked.channels:
            raise BadInput(
                f"The model makes images of {model.channels} channel(s), the marked images have "
                f"{marked.channels}. Mark with --mode {'L' if model.channels == 1 else 'RGB'}."
            )
        size = model.sample_size if isinstance(model, PixelModel) else None
        if size is not None and size != marked.marked_size:
            there, here = (" x ".join(map(str, pair)) for pair in (size, marked.marked_size))
            raise BadInput(
                f"The model was built for {there} pixels, the marked images have {here}. "
                "Train at the size of the marked images, so that the frame is not resized."
            )
        return model

    def open_run(self, marked: Marked) -> Run:
        """Opens the run folder, which holds this question and no other."""
        return open_run(self.out, "audit", self.to_json(), self._fingerprints(marked))

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest."""
        plain = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in self.__dict__.items()
            if name not in ("out", "readers", "splits")
        }
        readers = {reader.name: asdict(reader) for reader in self.readers}  # type: ignore[call-overload]
        return {**plain, "splits": list(self.splits), "readers": readers}

    def _fingerprints(self, marked: Marked) -> dict[str, str]:
        found = {"keys": str(marked.manifest["keys"])}
        path = Path(self.model)
        if path.exists() and self.model not in CONTROLS:
            found["model"] = fingerprint(path / "model" if (path / "model").is_dir() else path)
        return found
