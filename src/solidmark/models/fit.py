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


def check_fit(model: Model, channels: int, size: tuple[int, int]) -> None:
    """Checks channels and size.

    Arguments:
        model: The model.
        channels: Of the marked images, 1 or 3.
        size: Their height and width, in pixels.

    Raises:
        BadInput: When they differ from what the model was made for.
    """
    if model.channels != channels:
        raise BadInput(
            f"The model makes images of {model.channels} channel(s), the marked images have "
            f"{channels}. Mark with --mode {'L' if model.channels == 1 else 'RGB'}."
        )
    here = " x ".join(map(str, size))
    built = model.sample_size if isinstance(model, PixelModel) else None
    if built is not None and built != size:
        there = " x ".join(map(str, built))
        raise BadInput(
            f"The model was built for {there} pixels, the marked images have {here}. "
            "Train at the size of the marked images, so that the frame is not resized."
        )
    if isinstance(model, LatentModel) and any(side % model.multiple for side in size):
        raise BadInput(
            f"The model takes sides that are multiples of {model.multiple} pixels, the marked "
            f"images have {here}. Mark with a resolution and a thickness that give such a size."
        )
