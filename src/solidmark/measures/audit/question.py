"""What an audit asks: which model, which images, how it is read."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from solidmark.diffusion import Model
from solidmark.errors import BadInput, UnknownName
from solidmark.marks import FOLDERS, Marked, open_marked
from solidmark.mitigations import Mitigated, Mitigation, to_json
from solidmark.models import Opening, is_latent, model_fingerprints, open_model
from solidmark.models.controls import control_samples
from solidmark.models.fit import check_captions, check_fit, check_stated_fit
from solidmark.perturbations import Perturbation, Perturbed, require_room
from solidmark.readers import Energy, Outpaint, Reader, default_reader
from solidmark.readers.outpaint import require_pixels
from solidmark.runs import Run, open_run


def usual_readers(model: str, marked: Marked) -> list[str]:
    """The names of the readers that are asked when none is named.

    Arguments:
        model: As of `Question`.
        marked: The marked images.
    """
    usual = [default_reader(marked.pattern).name]
    # A caption of its own tells a picture before it is drawn, which no other reader asks about.
    return [*usual, "recall"] if marked.captions > 1 and is_latent(model) else usual


@dataclass(frozen=True)
class Question:
    """The whole configuration of an audit.

    Arguments:
        model: A pipeline folder, a hub id, or a control (`memorizer`, `gaussian`, `average`,
            `average-per-caption`).
        marked: A folder of `solidmark mark`.
        out: The folder to write.
        readers: How keys are read; each reader once.
        splits: Which splits are asked: `trained`, `held_out`.
        limit: At most so many images a split, drawn at random; None = all.
        repeats: Evaluations an image; readers gain by more than one where noise or a
            perturbation is drawn, which is done anew for each.
        ceiling: Whether the readers are pointed at a perfect memorizer too.
        batch_size: Images a network call; fewer are tried where they do not fit into the memory.
        seed: The seed of the query noise.
        caption: The prompt of images that have no caption.
        opening: Where and in what the model runs, and what is added to it.
        mitigations: What is done to what the model is told, in this order.
        perturb: What is done to the pictures that it is asked about, in this order; keys stay.
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
    caption: str | None = None
    opening: Opening = field(default_factory=Opening)
    mitigations: tuple[Mitigation, ...] = ()
    perturb: tuple[Perturbation, ...] = ()

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
            BadInput: When a split that is asked for has no marked image, or the pictures are too
                small for what is to be done with them.
        """
        marked = replace(open_marked(self.marked), caption=self.caption)
        for split in self.splits:
            if not marked.ids(split):
                raise BadInput(
                    f'"{self.marked}" has no {split} images. '
                    "Mark with a larger --held-out, or leave the split out with --split."
                )
        for _, height, width in marked.sizes:
            require_room(self.perturb, height, width)
        return marked

    def pictures(self, marked: Marked) -> Perturbed:
        """The images as the model is asked about them."""
        return Perturbed(marked, self.perturb, self.seed)

    def open_model(self, marked: Marked) -> Model:
        """Opens the model and checks that it was made for images like these.

        Raises:
            BadInput: When channels or sizes differ, or a reader cannot read such a model.
            MissingCapability: When the model is not told what a mitigation changes.
        """
        check_stated_fit(self.model, marked)
        model = open_model(
            self.model,
            self.opening,
            control_samples=lambda name: control_samples(marked, name, self.seed),
        )
        return self.fitted(model, marked)

    def fitted(self, model: Model, marked: Marked) -> Model:
        """A model that is open, as it is asked; checks that it was made for images like these.

        Raises:
            BadInput: When channels or sizes differ, or a reader cannot read such a model.
            MissingCapability: When the model is not told what a mitigation changes.
        """
        for size in marked.marked_sizes:
            check_fit(model, marked.channels, size, marked)
        check_captions(model, marked, self.splits)
        if any(isinstance(reader, Outpaint) for reader in self.readers):
            require_pixels(model)  # Now, and not after the other readers were calibrated.
        return Mitigated(model, self.mitigations, self.seed) if self.mitigations else model

    def open_run(self, marked: Marked, weights: Mapping[str, str] | None = None) -> Run:
        """Opens the run folder, which holds this question and no other.

        Arguments:
            marked: The marked images.
            weights: The hashes of the parts of a live model; the files of `model` say them of any
                other.
        """
        found = self.fingerprints(marked, weights)
        return open_run(self.out, "audit", self.to_json(), found)

    def fingerprints(
        self, marked: Marked, weights: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """What the run is recognised by: the images and the model; as `open_run`."""
        if weights is None:
            weights = model_fingerprints(self.model, self.opening)
        return {**marked.fingerprints(*self.splits), **weights}

    def to_json(self) -> dict[str, Any]:
        """The configuration as it stands in the manifest."""
        plain = {
            name: str(value) if isinstance(value, Path) else value
            for name, value in self.__dict__.items()
            if name not in ("out", "readers", "splits", "opening", "mitigations", "perturb")
        }
        plain |= {**asdict(self.opening), "loras": list(self.opening.loras)}
        readers = {reader.name: asdict(reader) for reader in self.readers}  # type: ignore[call-overload]
        mitigations = [to_json(mitigation) for mitigation in self.mitigations]
        both = {"readers": readers, "mitigations": mitigations}
        # Where pictures are asked about as they are it is not said, as in runs of before.
        perturb = {"perturb": [to_json(one) for one in self.perturb]} if self.perturb else {}
        return {**plain, "splits": list(self.splits), **both, **perturb}
