"""What is known of images before the model is asked: what they show, what the model is told.

Each image is looked at once. One that cannot be read is known by what is wrong with it.
"""

from collections.abc import Sequence
from typing import Any

from solidmark.data import content_hash
from solidmark.diffusion import Model
from solidmark.errors import BrokenImage
from solidmark.measures.signals.kinds import told_of
from solidmark.subjects import Subjects
from solidmark.types import Image

Unit = tuple[str, str]
"""An image: its split and its id."""


def read_images(subjects: Subjects, model: Model, units: Sequence[Unit]) -> dict[str, Any]:
    """The facts of some images, by `fact_name`.

    Returns:
        `content`, the hash of the pixels without the frame; `contrast`, in [0, 0.5]; `prompt`, what
        the model is told, if anything; or just a `note`, of an image that cannot be read.
    """
    return {fact_name(unit): _facts(subjects, model, unit) for unit in units}


def fact_name(unit: Unit) -> str:
    """The name of the row of facts about an image."""
    return "image " + " ".join(unit)


def contrast(image: Image) -> float:
    """The standard deviation round the mean of each channel, in [0, 0.5].

    Pictures of one colour have next to none, and are easy for every model.
    """
    pixels = image.double().flatten(1)
    return float((pixels - pixels.mean(1, keepdim=True)).square().mean().sqrt())


def _facts(subjects: Subjects, model: Model, unit: Unit) -> dict[str, Any]:
    try:
        sample = subjects.sample(*unit)
    except BrokenImage as error:
        return {"note": str(error)}
    shown = subjects.crop(sample.image[None])[0]
    return {
        "content": content_hash(shown),
        "contrast": contrast(shown),
        "prompt": told_of(model, sample),
    }
