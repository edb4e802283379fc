"""What the analytic controls are made of, and the ceiling that stands beside every result."""

import torch

from solidmark.errors import BadInput, BrokenImage
from solidmark.marks import Marked
from solidmark.models import Memorizer
from solidmark.randomness import LEVELS, generator
from solidmark.types import Images

REDRAWS = 8


def control_images(marked: Marked, name: str, seed: int) -> Images:
    """The images that a control model is made of.

    Arguments:
        marked: The marked folder.
        name: `memorizer`: the training images as they are. `gaussian`: the same under keys drawn
            anew, several times over, so that nothing depends on a true key.
        seed: The seed of the new keys.
    """
    images = _readable(marked, marked.ids("trained", marked=None if name == "memorizer" else True))
    if name == "memorizer":
        return images
    redrawn = generator(seed, "gaussian", purpose="control keys")
    shape = (len(images), marked.pattern.count)
    cropped = marked.pattern.crop(images)
    return torch.cat(
        [
            marked.pattern.apply(
                cropped, torch.randint(LEVELS, shape, generator=redrawn) / (LEVELS - 1)
            )
            for _ in range(REDRAWS)
        ]
    )


def ceiling_model(marked: Marked, ids: list[str]) -> Memorizer:
    """A model that has memorized exactly these images: a reader must find them there."""
    return Memorizer(_readable(marked, ids))


def _readable(marked: Marked, ids: list[str]) -> Images:
    """The images that are not damaged; the others are failed rows of the audit anyway."""
    images = []
    for id in ids:
        try:
            images.append(marked.sample(id).image)
        except BrokenImage:
            continue
    if not images:
        raise BadInput(f'None of the images of "{marked.folder}" can be read. Mark them again.')
    return torch.stack(images)
