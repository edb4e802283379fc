"""What the analytic controls are made of, and the ceiling that stands beside every result."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from solidmark.data import Sample
from solidmark.diffusion import Metered, Model
from solidmark.errors import BadInput, BrokenImage
from solidmark.late import torch
from solidmark.marks import Marked
from solidmark.models.analytic import Gaussian, Memorizer
from solidmark.models.averages import Average, caption_or_class
from solidmark.models.by_size import BySize, by_size
from solidmark.models.conditions import CLASSES
from solidmark.randomness import LEVELS, generator

CONTROLS = ("memorizer", "gaussian", "average", "average-per-caption")
"""The models in closed form that can be opened by name."""

Told = Literal["nothing", "class", "caption", "caption or class"]

REDRAWS = 8


def control_model(name: str, samples: Sequence[Sample]) -> Model:
    """A model in closed form.

    Arguments:
        name: `memorizer`: knows every image. `gaussian`: their moments. `average`: the mean and the
            variance of every pixel. `average-per-caption`: those of every caption, or class.
        samples: What `control_samples` gives for this name.

    Raises:
        BadInput: When there is neither a caption nor a class to average by.
    """
    if name == "average-per-caption" and not any(map(caption_or_class, samples)):
        raise BadInput(
            'The control "average-per-caption" averages the images of each caption or class, and '
            'no image has either. Mark the data with its captions or classes, or name "average".'
        )

    def make(samples: Sequence[Sample]) -> Model:
        images = torch.stack([sample.image for sample in samples])
        if name == "memorizer":
            return Memorizer(images)
        if name == "gaussian":
            return Gaussian(images)
        if name == "average":
            return Average(images)
        return Average(images, told=tuple(map(caption_or_class, samples)))

    return by_size(samples, make)


def control_samples(marked: Marked, name: str, seed: int) -> list[Sample]:
    """The images that a control model is made of, with their captions and classes.

    Arguments:
        marked: The marked folder.
        name: `gaussian`: the training images under keys drawn anew, several times over, so that
            nothing depends on a true key. All others: the training images as they are.
        seed: The seed of the new keys.
    """
    redraws = name == "gaussian"
    samples = _samples(marked, marked.ids("trained", marked=True if redraws else None))
    if not redraws:
        return samples
    pattern, redrawn = marked.pattern, generator(seed, "gaussian", purpose="control keys")
    found = []
    for _ in range(REDRAWS):
        shape = (len(samples), pattern.count)
        keys = torch.randint(LEVELS, shape, generator=redrawn) / (LEVELS - 1)
        for sample, key in zip(samples, keys, strict=True):
            image = pattern.apply(pattern.crop(sample.image[None]), key[None])[0]
            found.append(replace(sample, image=image))
    return found


def ceiling_model(
    marked: Marked,
    ids: list[str],
    model: Model,
    batch_size: int,
    told: Callable[[int], object] | None = None,
) -> Model:
    """A model that has memorized exactly these images: a reader must find them there.

    It has the schedule of the model that is audited and sees images as that does, through its
    autoencoder where it has one, with the captions or classes that it is told. So it says what a
    reader can do with such a model.

    Arguments:
        marked: The marked folder.
        ids: Which images.
        model: The model that is audited; it is not asked to denoise.
        batch_size: How many images are encoded at a time.
        told: Is told how many were.
    """
    samples = _samples(marked, ids)
    telling = _telling(model, samples[0])
    codec = Metered(model, batch_size, told)
    found = by_size(
        samples,
        lambda several: Memorizer(
            torch.stack([sample.image for sample in several]),
            model.schedule,
            codec,
            None if telling is None else tuple(map(telling, several)),
            telling or _caption,
        ),
    )
    codec.told = None  # What is encoded from now on is no part of making it.
    return found


def told_of(model: Model, sample: Sample) -> Told:
    """What a model is told of an image.

    Arguments:
        model: The model; it is not asked to denoise.
        sample: Any image that it could be asked about.
    """
    condition = model.condition([sample])
    if condition is None:
        return "nothing"
    if isinstance(model.of(sample) if isinstance(model, BySize) else model, Average):
        return "caption or class"
    return "class" if condition.get(CLASSES) is not None else "caption"


def _telling(model: Model, sample: Sample) -> Callable[[Sample], str] | None:
    told = told_of(model, sample)
    if told == "caption or class":
        return caption_or_class
    return {"nothing": None, "class": lambda one: str(one.class_index), "caption": _caption}[told]


def _caption(sample: Sample) -> str:
    return sample.caption or ""


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
