"""Whether a model was made for images like these."""

from collections.abc import Sequence
from pathlib import Path

from solidmark.data import Mode
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.marks import Marked, mark_again
from solidmark.models.controls import CONTROLS
from solidmark.models.finding import find_pipeline, part_of
from solidmark.models.foreseen import Foreseen
from solidmark.models.opening import is_latent
from solidmark.models.pixel import PixelModel
from solidmark.models.reading import read_config
from solidmark.models.text import no_caption


def check_captions(model: Model, marked: Marked, splits: Sequence[str]) -> None:
    """Checks that a model that draws from captions has one for every image, before it is asked.

    Arguments:
        model: The model.
        marked: The marked folder.
        splits: Which of its images will be asked about.

    Raises:
        BadInput: When an image has none.
    """
    if getattr(model, "captioned", False):
        for split in splits:
            for id in marked.ids(split):
                if not marked.has_caption(id):
                    raise no_caption(id)


def check_fit(
    model: Model, channels: int, size: tuple[int, int], marked: Marked | None = None
) -> None:
    """Checks channels and size.

    Arguments:
        model: The model.
        channels: Of the images, 1 or 3.
        size: Their height and width, in pixels.
        marked: The marked folder that they are of; others can be scaled when they are read.

    Raises:
        BadInput: When they differ from what the model was made for.
    """
    if not isinstance(model, Foreseen) or model.channels is not None:
        is_built = model.factor == 1 and isinstance(model, PixelModel | Foreseen)
        built = model.sample_size if is_built else None  # type: ignore[attr-defined]
        _check(model.channels, built, channels, size, marked)
    whose, here = _whose(marked), " x ".join(map(str, size))
    multiple = getattr(model, "multiple", 1)
    if any(side % multiple for side in size):
        raise BadInput(
            f"The model takes sides that are multiples of {multiple} pixels, {whose} have "
            f"{here}. "
            + (
                "Mark with a resolution and a thickness that give such a size."
                if marked is not None
                else "Add another --resolution."
            )
        )


def check_stated_fit(where: str, marked: Marked) -> None:
    """Checks the same before the model is opened, as far as its files say it: those of pixels do.

    Arguments:
        where: As `open_model` takes it.
        marked: The marked folder.

    Raises:
        NotFound: When nothing is there.
        BadInput: When it cannot be opened, or was made for other images.
    """
    if (where in CONTROLS and not Path(where).exists()) or is_latent(where):
        return
    config = read_config(part_of(find_pipeline(where), "unet") / "config.json")
    made, side = config.get("in_channels"), config.get("sample_size")
    if isinstance(made, int):
        built = (side, side) if isinstance(side, int) and side else None
        for size in marked.marked_sizes:
            _check(made, built, marked.channels, size, marked)


def _check(
    made: int,
    built: tuple[int, int] | None,
    channels: int,
    size: tuple[int, int],
    marked: Marked | None,
) -> None:
    """Checks what a model makes, and for which size it was built, where it says so."""
    whose = _whose(marked)
    if made != channels:
        mode: Mode = "L" if made == 1 else "RGB"
        raise BadInput(
            f"The model makes images {_in(made)}, {whose} are {_in(channels)}. "
            + (f"Add --mode {mode}." if marked is None else mark_again(marked, mode))
        )
    here = " x ".join(map(str, size))
    if built is not None and built != size:
        there = " x ".join(map(str, built))
        raise BadInput(
            f"The model was built for {there} pixels, {whose} have {here}. "
            + (
                "Train at the size of the marked images, so that the frame is not resized."
                if marked is not None
                else "Bring them to that size: with --resolution, where it is square."
            )
        )


def _whose(marked: Marked | None) -> str:
    return "the images" if marked is None else "the marked images"


def _in(channels: int) -> str:
    return {1: "in grey", 3: "in colour"}.get(channels, f"of {channels} channels")
