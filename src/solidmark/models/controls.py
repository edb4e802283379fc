"""What the analytic controls are made of, and the ceiling that stands beside every result."""

from collections.abc import Callable

import torch

from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput, BrokenImage
from solidmark.marks import Marked
from solidmark.models.analytic import Memorizer
from solidmark.models.conditions import CLASSES
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
    ids = marked.ids("trained", marked=None if name == "memorizer" else True)
    images = torch.stack([sample.image for sample in _samples(marked, ids)])
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


def ceiling_model(marked: Marked, ids: list[str], model: Model, batch_size: int) -> Memorizer:
    """A model that has memorized exactly these images: a reader must find them there.

    It has the schedule of the model that is audited and sees images as that does, through its
    autoencoder where it has one, with the captions or classes that it is told. So it says what a
    reader can do with such a model.

    Arguments:
        marked: The marked folder.
        ids: Which images.
        model: The model that is audited; it is not asked to denoise.
        batch_size: How many images are encoded at a time.
    """
    samples = _samples(marked, ids)
    telling = _telling(model, samples[0])
    return Memorizer(
        torch.stack([sample.image for sample in samples]),
        model.schedule,
        Metered(model, batch_size),
        None if telling is None else tuple(map(telling, samples)),
        telling or _caption,
    )


def _telling(model: Model, sample: Sample) -> Callable[[Sample], str] | None:
    """What the model is told of an image: its caption, its class, or nothing."""
    condition = model.condition([sample])
    if condition is None:
        return None
    return _class if condition.get(CLASSES) is not None else _caption


def _caption(sample: Sample) -> str:
    return sample.caption or ""


def _class(sample: Sample) -> str:
    return str(sample.class_index)


def _samples(marked: Marked, ids: list[str]) -> list[Sample]:
    """The images that are not damaged; the others are failed rows of the audit anyway."""
    samples = []
    for id in ids:
        try:
            samples.append(marked.sample(id))
        except BrokenImage:
            continue
    if not samples:
        raise BadInput(f'None of the images of "{marked.folder}" can be read. Mark them again.')
    return samples
