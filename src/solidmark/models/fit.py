"""Whether a model was made for images like these."""

from collections.abc import Sequence

from solidmark.diffusion import Model
from solidmark.errors import BadInput
from solidmark.marks import Marked
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


def check_fit(model: Model, channels: int, size: tuple[int, int], *, marked: bool = True) -> None:
    """Checks channels and size.

    Arguments:
        model: The model.
        channels: Of the images, 1 or 3.
        size: Their height and width, in pixels.
        marked: Whether they are those of a marked folder; others can be scaled when they are read.

    Raises:
        BadInput: When they differ from what the model was made for.
    """
    whose = "the marked images" if marked else "the images"
    if model.channels != channels:
        raise BadInput(
            f"The model makes images of {model.channels} channel(s), {whose} have {channels}. "
            f"{'Mark with' if marked else 'Add'} --mode {'L' if model.channels == 1 else 'RGB'}."
        )
    here = " x ".join(map(str, size))
    built = model.sample_size if isinstance(model, PixelModel) else None
    if built is not None and built != size:
        there = " x ".join(map(str, built))
        raise BadInput(
            f"The model was built for {there} pixels, {whose} have {here}. "
            + (
                "Train at the size of the marked images, so that the frame is not resized."
                if marked
                else "Bring them to that size: with --resolution, where it is square."
            )
        )
    if isinstance(model, LatentModel) and any(side % model.multiple for side in size):
        raise BadInput(
            f"The model takes sides that are multiples of {model.multiple} pixels, {whose} have "
            f"{here}. "
            + (
                "Mark with a resolution and a thickness that give such a size."
                if marked
                else "Add another --resolution."
            )
        )
