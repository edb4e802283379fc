"""Whether a model was made for images like these."""

from collections.abc import Sequence

from solidmark.data import Mode
from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.marks import Marked, mark_again
from solidmark.models.latent import LatentModel
from solidmark.models.pixel import PixelModel
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
    # Families that embed texts need one for each image; DiT needs a class instead.
    if isinstance(model, LatentModel) and hasattr(model.family, "embed"):
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
    whose = "the images" if marked is None else "the marked images"
    if model.channels != channels:
        mode: Mode = "L" if model.channels == 1 else "RGB"
        raise BadInput(
            f"The model makes images {_in(model.channels)}, {whose} are {_in(channels)}. "
            + (f"Add --mode {mode}." if marked is None else mark_again(marked, mode))
        )
    here = " x ".join(map(str, size))
    built = model.sample_size if isinstance(model, PixelModel) else None
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
    if isinstance(model, LatentModel) and any(side % model.multiple for side in size):
        raise BadInput(
            f"The model takes sides that are multiples of {model.multiple} pixels, {whose} have "
            f"{here}. "
            + (
                "Mark with a resolution and a thickness that give such a size."
                if marked is not None
                else "Add another --resolution."
            )
        )


def _in(channels: int) -> str:
    return {1: "in grey", 3: "in colour"}.get(channels, f"of {channels} channels")
